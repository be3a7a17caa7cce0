/*
 * Items whose size or value takes more than the language can say: small decoders in C behind one
 * interface. Each is a type of the language, an item like any other:
 *
 *   avro_map       the metadata of an Avro object container: blocks of pairs, ended by a block of
 *                  none (Apache Avro specification, "Object Container Files")
 *   hadoop_text    a Hadoop Text: its length as a vint of WritableUtils, then that many bytes
 *   hadoop_map     the metadata of a SequenceFile: u32be pairs, each two hadoop_text
 *   journal_entry  the fields of one entry of the systemd journal export format, without the empty
 *                  line that ends it (systemd.io/JOURNAL_EXPORT_FORMATS); its value: its time
 *   arrow_meta[n]  the n bytes of an Arrow IPC message's flatbuffer; its value: the body's length
 *                  (Apache Arrow columnar format, "Encapsulated message format")
 *   arrow_schema[n]
 *                  as arrow_meta[n], but only of messages that others depend on: schemas (header
 *                  type 1) and dictionary batches (2)
 *
 * Pure and re-entrant as the frame decoder: a decoder goes as far as the window allows, then says
 * which bytes it needs; what need not be looked at is passed over. The result does not depend on
 * how the bytes are cut into windows, nor on whether the end is known.
 */
#ifndef FF_FORMAT_NATIVE_H
#define FF_FORMAT_NATIVE_H

#include "format/window.h"

enum ff_native_kind {
    FF_NATIVE_AVRO_MAP,
    FF_NATIVE_HADOOP_TEXT,
    FF_NATIVE_HADOOP_MAP,
    FF_NATIVE_JOURNAL_ENTRY,
    FF_NATIVE_ARROW_META,
    FF_NATIVE_ARROW_SCHEMA,
    FF_NATIVE_KINDS
};

#define FF_NATIVE_PAIRS_MAX      65536                /* of a map */
#define FF_NATIVE_FIELDS_MAX     65536                /* of a journal entry */
#define FF_NATIVE_NAME_MAX_BYTES 64                   /* of a journal entry's field */
#define FF_NATIVE_TEXT_MAX_BYTES INT32_MAX            /* of a Hadoop Text */
#define FF_NATIVE_META_MAX_BYTES (UINT32_C(16) << 20) /* of an Arrow flatbuffer */

#define FF_NATIVE_NO_TIME UINT64_MAX

struct ff_native_item {
    /* given */
    uint64_t start; /* where the item begins */
    uint64_t limit; /* what the item may not pass, UINT64_MAX: nothing that is known */
    bool unseen;    /* the archive may end before that limit */
    uint64_t size;  /* ARROW_META, ARROW_SCHEMA: n */
    /* kept from call to call; pos = start and all else 0 at first */
    uint64_t pos; /* everything before it is decoded */
    uint64_t left, skip, end;
    uint8_t stage;
    /* results: after FF_DECODE_DONE pos is the item's end */
    uint64_t value; /* ARROW_META, ARROW_SCHEMA: bytes of the body, at most FF_OFFSET_MAX;
                       JOURNAL_ENTRY: microseconds since 1970 in its first __REALTIME_TIMESTAMP that
                       is up to 19 digits, or FF_NATIVE_NO_TIME */
    uint64_t count; /* pairs of a map, fields of an entry; ARROW_META, ARROW_SCHEMA: the header's
                       type, 0 where it has none, 1 schema, 2 dictionary batch, 3 record batch,
                       4 tensor, 5 sparse tensor, up to 255 */
    /* after FF_DECODE_NEED */
    uint64_t need_offset;
    size_t need_len; /* at most FF_DECODE_NEED_MAX */
    /* after a failure: what is wrong at pos, a constant: "a field of the journal has no name" */
    const char *fault;
};

/* FF_DECODE_DONE, FF_DECODE_NEED, -ENODATA (the limit is inside it) or -EUCLEAN. Without a limit,
 * or before one that is unseen, what is passed over must be seen to exist: its last byte is asked
 * for. When the needed bytes do not exist, set limit to where the archive ends and call again. */
int ff_native_decode(enum ff_native_kind kind, struct ff_native_item *item,
                     const struct ff_window *window);

/* "avro_map" and so on; -1 when it is none. */
int ff_native_kind_of(const char *name, size_t len);
const char *ff_native_name(enum ff_native_kind kind);

#endif
