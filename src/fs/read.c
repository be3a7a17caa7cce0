#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "fs/state.h"

static void free_buffer(void *buffer)
{
    munmap(buffer, FF_REPLY_BYTES_MAX);
}

int ff_buffer_init(struct ff_fs *fs)
{
    return -pthread_key_create(&fs->buffer, free_buffer);
}

void ff_buffer_done(struct ff_fs *fs)
{
    pthread_key_delete(fs->buffer);
}

void *ff_buffer_get(struct ff_fs *fs)
{
    void *buffer = pthread_getspecific(fs->buffer);
    if (buffer)
        return buffer;
    buffer = mmap(NULL, FF_REPLY_BYTES_MAX, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (buffer == MAP_FAILED)
        return NULL;
    if (pthread_setspecific(fs->buffer, buffer) != 0) {
        free_buffer(buffer);
        return NULL;
    }
    return buffer;
}

/* What an answer of "not known yet" waits for: the record, or, when that is known, the end. Asked
 * before the answer: who waits for the end because the record came in between waits for hours. */
static struct ff_wait wait_for(const struct ff_archive *archive, uint64_t record)
{
    return (struct ff_wait){
        .archive = archive,
        .records = ff_archive_count(archive) > record ? UINT64_MAX : record + 1,
    };
}

static int missing(const struct ff_shown *shown)
{
    return ff_shown_is_short(shown) ? -EIO : -ESTALE;
}

static int find_record(const struct ff_node *node, struct ff_file *file, struct ff_wait *ret_wait)
{
    const struct ff_shown *shown = file->shown;
    struct ff_wait wait = wait_for(shown->archive, node->value);
    int r = ff_archive_record(shown->archive, node->value, &file->record);
    if (r == 0)
        r = ff_view_record(shown->archive, &file->record, shown->content, &file->view);
    if (r == -EAGAIN)
        *ret_wait = wait;
    file->size = file->view.len;
    return r == -ENOENT ? missing(shown) : r;
}

static int find_slice(struct ff_fs *fs, const struct ff_node *node, struct ff_file *file,
                      struct ff_wait *ret_wait)
{
    struct ff_slice slice;
    int r = ff_slices_find(&fs->shared->slices, node->archive, node->value, &slice);
    if (r < 0)
        return r;
    struct ff_wait wait = wait_for(file->shown->archive, slice.last);
    r = ff_view_slice(file->shown->archive, slice.first, slice.last, &file->view);
    if (r == -EAGAIN)
        *ret_wait = wait;
    file->size = file->view.len;
    return r == -ENOENT ? missing(file->shown) : r;
}

static int find_all(struct ff_fs *fs, struct ff_file *file, struct ff_wait *ret_wait)
{
    file->kind = FF_FILE_ALL;
    int r = ff_all_size(file->shown->archive, fs->options->separator_len, &file->size);
    if (r == -EAGAIN)
        *ret_wait = (struct ff_wait){.archive = file->shown->archive, .records = UINT64_MAX};
    return r == 0 && ff_shown_is_short(file->shown) ? -EIO : r;
}

static int find_text(struct ff_fs *fs, const struct ff_node *node, enum ff_text_age age,
                     struct ff_file *file)
{
    file->kind = FF_FILE_TEXT;
    int r = ff_text_find(fs, node, age, &file->text);
    if (r == 0)
        r = ff_snapshot_stat(file->text, &file->size, &file->text_mtime);
    return r;
}

int ff_file_find(struct ff_fs *fs, const struct ff_node *node, enum ff_text_age age,
                 struct ff_file *ret_file, struct ff_wait *ret_wait)
{
    struct ff_file file = {.kind = FF_FILE_VIEW, .shown = ff_fs_shown(fs, node)};
    int r = 0;

    if (ff_fs_is_dir(node))
        return -EISDIR;
    if (node->kind == FF_NODE_RECORD) {
        r = find_record(node, &file, ret_wait);
    } else if (node->kind == FF_NODE_SLICE) {
        r = find_slice(fs, node, &file, ret_wait);
    } else {
        switch ((enum ff_control)node->value) {
        case FF_CONTROL_SYNTHETIC:
        case FF_CONTROL_ROOT_SYNTHETIC:
            file.kind = FF_FILE_SYNTHETIC;
            file.size = fs->options->synth.size;
            break;
        case FF_CONTROL_ARCHIVE:
            ff_view_archive(file.shown->archive, &file.view);
            file.size = file.view.len;
            break;
        case FF_CONTROL_ALL:
            r = find_all(fs, &file, ret_wait);
            break;
        default:
            r = find_text(fs, node, age, &file);
            break;
        }
    }
    if (r == 0)
        *ret_file = file;
    return r;
}

ssize_t ff_file_read(struct ff_fs *fs, const struct ff_file *file, void *buf, size_t len,
                     uint64_t offset)
{
    struct ff_error error = {0};
    ssize_t count;

    if (offset >= file->size)
        return 0;
    if (len > file->size - offset)
        len = (size_t)(file->size - offset);
    switch (file->kind) {
    case FF_FILE_SYNTHETIC:
        return (ssize_t)ff_synth_read(&fs->options->synth, buf, len, offset);
    case FF_FILE_TEXT:
        /* The text may be another by now; then the kernel has learnt or will learn its size. */
        return (ssize_t)ff_snapshot_read(file->text, buf, len, offset);
    case FF_FILE_ALL:
        count = ff_all_read(file->shown->archive, fs->options->separator,
                            fs->options->separator_len, buf, len, offset, &error);
        break;
    case FF_FILE_VIEW:
    default:
        count = ff_view_read(file->shown->archive, &file->view, buf, len, offset, &error);
        break;
    }
    if (count < 0)
        return ff_fs_failed(fs, (int)count, &error);
    /* The kernel would fill the rest with zeros. */
    if ((size_t)count < len) {
        ff_error_set(&error, -ENODATA, "%s: ends before the bytes that were known",
                     ff_archive_name(file->shown->archive));
        return ff_fs_failed(fs, -ENODATA, &error);
    }
    return count;
}
