/*
 * How functions of this library fail.
 *
 * A fallible function returns 0 (or a count, or an event) or a negative errno; what it returns
 * through ret_x pointers is untouched on failure. Codes with a meaning of their own:
 *
 *   -EUCLEAN    the archive's bytes, or a description, are malformed
 *   -ENODATA    the archive ends inside a frame
 *   -EBADMSG    a checksum does not match
 *   -EOVERFLOW  a limit of this library is exceeded
 *   -ESTALE     the archive was replaced, edited or shortened since it was opened
 *   -EAGAIN     not known yet: the scan has not come so far
 */
#ifndef FRAMEFS_ERROR_H
#define FRAMEFS_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#define FF_ERROR_TEXT_BYTES 2048

/* Filled by a function that fails; owned by the caller; NULL is accepted everywhere for "no detail
 * wanted". The text is a message for a person, without a final newline, free of control bytes
 * but for the newlines that put a caret under the faulty item of a description. */
struct ff_error {
    int code; /* the negative errno that the function returned */
    char text[FF_ERROR_TEXT_BYTES];
};

/* Sets code and the formatted text (cut if too long), returns code. error may be NULL. */
int ff_error_set(struct ff_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif
#endif
