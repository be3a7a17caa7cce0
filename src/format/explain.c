#include "format/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "format/format.h"

static void print_property(FILE *out, const char *name, const char *value)
{
    if (value[0])
        fprintf(out, "%-15s%s\n", name, value);
}

static void print_head(FILE *out, const struct ff_format *format, const char *origin)
{
    fprintf(out, "%s%s%s\n%s%s\n", format->name, format->title[0] ? ": " : "", format->title,
            format->about, format->about[0] ? "\n" : "");
    print_property(out, "Specification", format->spec);
    print_property(out, "Extension", format->extension);
    fprintf(out, "%-15sa mounted record's file holds its %s, unless --content says otherwise\n",
            "Content", ff_content_name(format->content));
    print_property(out, "From", origin ? origin : "");
}

static void print_epoch(FILE *out, int64_t epoch_s)
{
    time_t seconds = epoch_s;
    struct tm tm;

    if (gmtime_r(&seconds, &tm) && tm.tm_year + 1900 >= 0 && tm.tm_year + 1900 <= 9999)
        fprintf(out, "Times count from %04d-%02d-%02dT%02d:%02d:%02dZ.\n", tm.tm_year + 1900,
                tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    else
        fprintf(out, "Times count from %" PRIu64 " seconds %s 1970.\n",
                epoch_s < 0 ? -(uint64_t)epoch_s : (uint64_t)epoch_s,
                epoch_s < 0 ? "before" : "after");
}

/* What holds for the whole archive, a sentence a line. */
static void print_directives(FILE *out, const struct ff_format *format)
{
    const struct ff_layout *layout = &format->layout;
    const struct ff_directives *directives = &layout->directives;
    char literal[4 * FF_DIRECTIVE_BYTES_MAX + 16], size[FF_SIZE_TEXT_BYTES];

    if (layout->alt_first[FF_FRAME + 1] - layout->alt_first[FF_FRAME] > 1)
        fprintf(out, "Of the frames below the first one that fits is taken.\n");
    if (format->generic)
        fprintf(out, "Many files fit it by chance: it is detected only when no other format fits "
                     "half as well.\n");
    if (directives->resync.len > 0)
        fprintf(out, "After damage the next frame is searched by its magic %s.\n",
                ff_explain_literal(literal, sizeof(literal), directives->resync.bytes,
                                   directives->resync.len));
    if (directives->block > 0)
        fprintf(out,
                "Frames lie in blocks of %" PRIu32 " bytes; where fewer than %" PRIu32
                " are left of a block, they are padding.\n",
                directives->block, directives->block_header);
    if (directives->signfrag)
        fprintf(out, "A negative length says that the record goes on in the next frame.\n");
    if (directives->glue.len > 0)
        fprintf(out, "Where frames of a record are joined, %s comes between them.\n",
                ff_explain_literal(literal, sizeof(literal), directives->glue.bytes,
                                   directives->glue.len));
    if (directives->max > 0)
        fprintf(out, "A frame of more than %s is damage.\n", ff_format_size(size, directives->max));
    if (directives->tail != FF_TAIL_NONE)
        fprintf(out, "%s may follow the last frame.\n",
                directives->tail == FF_TAIL_ZEROS ? "Zeros" : "Other bytes");
    if (directives->epoch_s != 0)
        print_epoch(out, directives->epoch_s);
}

/* "Frame usec (after preamble usec)" */
static void print_heading(FILE *out, const struct ff_layout *layout, const struct ff_alt *alt,
                          enum ff_section section)
{
    static const char *const names[] = {"Preamble", "Frame", "Postamble"};
    const struct {
        bool holds;
        const char *words;
    } notes[] = {
        {alt->end, "ends the archive"},
        {alt->hide && !alt->end, "no record of its own"},
        {alt->section, "begins a section: later frames depend on none before it"},
        {alt->interface, "tells the unit of times"},
        {alt->context && !alt->section, "later frames depend on it"},
    };
    const char *separator = " (";

    fprintf(out, "\n%s", names[section]);
    if (alt->suffix.len > 0)
        fprintf(out, " %.*s", (int)alt->suffix.len, layout->text + alt->suffix.start);
    if (alt->preamble != FF_NO_ITEM) {
        struct ff_text suffix = layout->alts[alt->preamble].suffix;
        fprintf(out, "%safter preamble %.*s", separator, (int)suffix.len,
                layout->text + suffix.start);
        separator = "; ";
    }
    for (size_t i = 0; i < sizeof(notes) / sizeof(*notes); i++) {
        if (!notes[i].holds)
            continue;
        fprintf(out, "%s%s", separator, notes[i].words);
        separator = "; ";
    }
    fprintf(out, "%s\n", separator[0] == ';' ? ")" : "");
}

static void print_rows(FILE *out, const struct ff_explain_row *rows, unsigned int count)
{
    int offset = sizeof("OFFSET") - 1, width = sizeof("WIDTH") - 1, field = sizeof("FIELD") - 1;

    for (unsigned int i = 0; i < count; i++) {
        offset = (int)strlen(rows[i].offset) > offset ? (int)strlen(rows[i].offset) : offset;
        width = (int)strlen(rows[i].width) > width ? (int)strlen(rows[i].width) : width;
        field = (int)strlen(rows[i].field) > field ? (int)strlen(rows[i].field) : field;
    }
    fprintf(out, "  %-*s  %-*s  %-*s  MEANING\n", offset, "OFFSET", width, "WIDTH", field, "FIELD");
    for (unsigned int i = 0; i < count; i++) {
        fprintf(out, "  %-*s  %-*s  ", offset, rows[i].offset, width, rows[i].width);
        /* No blanks at a line's end. */
        if (rows[i].meaning[0])
            fprintf(out, "%-*s  %s\n", field, rows[i].field, rows[i].meaning);
        else
            fprintf(out, "%s\n", rows[i].field);
    }
}

static void print_sections(FILE *out, const struct ff_layout *layout, struct ff_explain_row *rows)
{
    for (int section = 0; section < FF_SECTIONS; section++) {
        for (unsigned int a = layout->alt_first[section]; a < layout->alt_first[section + 1]; a++) {
            const struct ff_alt *alt = &layout->alts[a];
            print_heading(out, layout, alt, (enum ff_section)section);
            print_rows(out, rows, ff_explain_alt(layout, alt, (enum ff_section)section, rows));
        }
    }
}

char *ff_format_explain(const struct ff_format *format, const char *origin)
{
    FF_CLEANUP(free) struct ff_explain_row *rows = calloc(FF_EXPLAIN_ROWS_MAX, sizeof(*rows));
    char *text = NULL;
    size_t size;
    FILE *out = rows ? open_memstream(&text, &size) : NULL;

    if (!out)
        return NULL;
    print_head(out, format, origin);
    print_directives(out, format);
    print_sections(out, &format->layout, rows);
    fprintf(out, "\nDescription\n\n[%s]\n%s", format->name, format->text);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
