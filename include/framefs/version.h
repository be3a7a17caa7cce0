/* The version of the headers; ff_version() tells that of the library in use. */
#ifndef FRAMEFS_VERSION_H
#define FRAMEFS_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define FF_VERSION_MAJOR  0
#define FF_VERSION_MINOR  1
#define FF_VERSION_PATCH  0
#define FF_VERSION_STRING "0.1.0"

/* The library's version, as "MAJOR.MINOR.PATCH": a constant string. */
const char *ff_version(void);

#ifdef __cplusplus
}
#endif
#endif
