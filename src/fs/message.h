/*
 * What libfuse and fusermount3 print. Outside of a capture libfuse's messages go to the log, line
 * by line.
 */
#ifndef FF_FS_MESSAGE_H
#define FF_FS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Becomes libfuse's log function, for the whole process. debug: shows libfuse's trace. */
void ff_message_init(bool debug);

struct ff_capture {
    int fd; /* what was printed, or -1 */
    int saved[3];
    bool off; /* too few descriptors: the streams are as they were */
};

/* From here to ff_capture_end() the standard output and error of this process and of the programs
 * that it starts are kept instead of shown, and standard input is empty. A program that goes on
 * running afterwards, as fusermount3 does for auto_unmount, so holds none of them open. */
void ff_capture_begin(struct ff_capture *capture);
/* The lines that were printed, joined by "; ", free of control bytes, without libfuse's own
 * prefix; "" for none. */
void ff_capture_end(struct ff_capture *capture, char *text, size_t text_size);

/* The joining; text_size >= 1. len bytes at raw are changed. */
void ff_message_join(char *raw, size_t len, char *text, size_t text_size);

/* What can be done where something could not be started for want of room: "" or "; ...". r: a
 * negative errno. */
const char *ff_message_hint(int r);

#endif
