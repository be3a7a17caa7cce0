/* Runs a fuzzer over the files of the folders named on the command line, and over each of their
 * prefixes and single-byte changes at a few places: a plain test of what was found before. */
#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX ((size_t)1 << 20)

static unsigned long executions;

static void run(const uint8_t *data, size_t size)
{
    LLVMFuzzerTestOneInput(data, size);
    executions++;
}

static bool run_file(const char *path)
{
    uint8_t *data = malloc(INPUT_MAX);
    FILE *in = fopen(path, "rb");
    if (!data || !in) {
        perror(path);
        free(data);
        return false;
    }
    size_t size = fread(data, 1, INPUT_MAX, in);
    fclose(in);
    run(data, size);
    size_t step = size / 64 + 1;
    for (size_t at = 0; at < size; at += step) {
        /* A copy of exact size, so that a sanitizer sees the smallest step outside. */
        uint8_t *prefix = malloc(at ? at : 1);
        if (prefix) {
            memcpy(prefix, data, at);
            run(prefix, at);
        }
        free(prefix);
        static const uint8_t changes[] = {0x00, 0xff, 0x80};
        uint8_t was = data[at];
        for (size_t i = 0; i < sizeof(changes); i++) {
            data[at] = changes[i];
            run(data, size);
        }
        data[at] = was;
    }
    free(data);
    return true;
}

int main(int argc, char **argv)
{
    unsigned long files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        if (!dir) {
            perror(argv[i]);
            return 1;
        }
        struct dirent *entry;
        while ((entry = readdir(dir))) {
            char path[4096];
            struct stat st;
            snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
            if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
                continue;
            if (!run_file(path))
                return 1;
            files++;
        }
        closedir(dir);
    }
    printf("%lu files, %lu executions\n", files, executions);
    return files ? 0 : 1;
}
