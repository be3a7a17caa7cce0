/* A block of "Name: value" lines and the blank line that ends it, as in RFC 5322, HTTP and WARC.
 * Lines end with CRLF or LF; a line that begins with a blank goes on with the one before. Pure. */
#ifndef FF_FORMAT_HEADERS_H
#define FF_FORMAT_HEADERS_H

#include <stddef.h>
#include <stdint.h>

enum ff_headers_result {
    FF_HEADERS_DONE,  /* it ends within the bytes given; *ret_len: its length with the blank line */
    FF_HEADERS_MORE,  /* it goes on past them */
    FF_HEADERS_WRONG, /* *ret_len: where the first line begins that is no header line */
};

/* What stands at bytes; at most len of them are looked at. A block of no lines, the blank line
 * alone, is DONE. The same result for the same block however many bytes more are given. */
enum ff_headers_result ff_headers_end(const uint8_t *bytes, size_t len, size_t *ret_len);

/* How many lines of a block that is DONE (len: as ff_headers_end() told) have that name, in any
 * case; of the first one the value, without the blanks around it, as a stretch of the block. A
 * value that goes on over lines is told whole, its line ends included. */
unsigned int ff_headers_find(const uint8_t *bytes, size_t len, const char *name, size_t name_len,
                             size_t *ret_start, size_t *ret_len);

#endif
