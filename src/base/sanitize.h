/* Whether the program is built with a sanitizer, whose runtime has signal handlers of its own,
 * opens files and starts processes. */
#ifndef FF_BASE_SANITIZE_H
#define FF_BASE_SANITIZE_H

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define FF_SANITIZED 1
#else
#define FF_SANITIZED 0
#endif

#endif
