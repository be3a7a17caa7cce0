#include <framefs/error.h>
#include <framefs/version.h>
#include <stdarg.h>
#include <stdio.h>

const char *ff_version(void)
{
    return FF_VERSION_STRING;
}

int ff_error_set(struct ff_error *error, int code, const char *format, ...)
{
    if (!error)
        return code;
    error->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return code;
}
