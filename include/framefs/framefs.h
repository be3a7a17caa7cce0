/* All of libframefs: read records of framed archives. See each header's first comment. */
#ifndef FRAMEFS_FRAMEFS_H
#define FRAMEFS_FRAMEFS_H

#include <framefs/archive.h>
#include <framefs/detect.h>
#include <framefs/error.h>
#include <framefs/format.h>
#include <framefs/index.h>
#include <framefs/record.h>
#include <framefs/scan.h>
#include <framefs/source.h>
#include <framefs/synth.h>
#include <framefs/time.h>
#include <framefs/version.h>

#endif
