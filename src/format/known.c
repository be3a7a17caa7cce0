#include "format/known.h"

#include <string.h>

#define PIPE(program) "decompress it first, as in: " program " FILE | framefs ls -"

#define TEXT_LOOKED_AT_BYTES ((size_t)4096)

#define SQLITE_WAL                                                                                 \
    "its frames have no length: --frame 'bytes[32] ; page:u32be bytes[20] data[4096]', with the "  \
    "page size that it has"

/* Bytes at an offset; most are the ones that file(1) goes by, too. */
struct magic {
    uint16_t offset;
    uint8_t len;
    const char *bytes;
    struct ff_known known;
};

#define MAGIC(offset, bytes, what, how)                                                            \
    {                                                                                              \
        offset, sizeof(bytes) - 1, bytes,                                                          \
        {                                                                                          \
            what, how                                                                              \
        }                                                                                          \
    }

static const struct magic magics[] = {
    /* Compressed. */
    MAGIC(0, "\x1f\x8b\x08", "compressed by gzip", PIPE("zcat")),
    MAGIC(0, "\x28\xb5\x2f\xfd", "compressed by zstd", PIPE("zstdcat")),
    MAGIC(0, "\xfd\x37zXZ\0", "compressed by xz", PIPE("xzcat")),
    MAGIC(4, "1AY&SY", "compressed by bzip2", PIPE("bzcat")),
    MAGIC(0, "\x04\x22\x4d\x18", "compressed by lz4", PIPE("lz4cat")),
    MAGIC(0, "\x02\x21\x4c\x18", "compressed by lz4", PIPE("lz4cat")),
    MAGIC(0, "LZIP\x01", "compressed by lzip", PIPE("lzip -dc")),
    MAGIC(0, "\x89LZO\0\r\n\x1a\n", "compressed by lzop", PIPE("lzop -dc")),
    MAGIC(0, "\x1f\x9d\x90", "compressed by compress", PIPE("zcat")),
    /* Archives of files. */
    MAGIC(0, "PK\x03\x04", "a ZIP archive", "unpack it first"),
    MAGIC(0, "PK\x05\x06", "an empty ZIP archive", NULL),
    MAGIC(0, "PK\x07\x08", "a part of a ZIP archive", "unpack it first"),
    MAGIC(0, "7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    MAGIC(0, "Rar!\x1a\x07", "a RAR archive", "unpack it first"),
    MAGIC(0, "MSCF\0\0\0\0", "a Cabinet archive", "unpack it first"),
    MAGIC(0, "xar!\0\x1c", "a xar archive", "unpack it first"),
    MAGIC(257, "ustar", "a tar archive", "unpack or mount it with a program for tar archives"),
    MAGIC(0, "!<thin>\n", "a thin ar archive",
          "it only names its members: they are files of their own"),
    MAGIC(0, "\xed\xab\xee\xdb", "an RPM package",
          "take out what it packs: rpm2cpio FILE | framefs ls -"),
    MAGIC(0, "hsqs", "a SquashFS image", "mount it as such"),
    MAGIC(1024, "\xe2\xe1\xf5\xe0", "an EROFS image", "mount it as such"),
    MAGIC(32769, "CD001", "an ISO 9660 image", "mount it as such"),
    MAGIC(0, "QFI\xfb", "a QEMU disk image", NULL),
    MAGIC(0,
          "\xff"
          "ffi\r\n\x1a\n",
          "an index file of framefs",
          "give the archive that it is of, which has the same name up to .framefs"),
    MAGIC(0, "PACK\0\0\0", "a Git pack", NULL),
    MAGIC(0, "DIRC\0\0\0", "a Git index", NULL),
    MAGIC(0, "# v2 git bundle\n", "a Git bundle", NULL),
    MAGIC(0, "# v3 git bundle\n", "a Git bundle", NULL),
    /* Tables and databases. */
    MAGIC(0, "PAR1", "a Parquet file", "columns have no frames: read it with a Parquet library"),
    MAGIC(0, "ORC", "an ORC file", "columns have no frames: read it with an ORC library"),
    MAGIC(0, "\x89HDF\r\n\x1a\n", "an HDF5 file", "read it with an HDF5 library"),
    MAGIC(0, "CDF\x01", "a netCDF file", "read it with a netCDF library"),
    MAGIC(0, "CDF\x02", "a netCDF file", "read it with a netCDF library"),
    MAGIC(0, "CDF\x05", "a netCDF file", "read it with a netCDF library"),
    MAGIC(0, "\x93NUMPY", "a NumPy array",
          "its items have no frames: describe them with --frame, as data[SIZE]"),
    MAGIC(0, "SIMPLE  =", "a FITS file", "read it with a FITS library"),
    MAGIC(128, "DICM", "a DICOM file", "read it with a DICOM library"),
    MAGIC(0, "SQLite format 3\0", "an SQLite database", "query it with sqlite3"),
    MAGIC(0, "\x37\x7f\x06\x82", "an SQLite write-ahead log", SQLITE_WAL),
    MAGIC(0, "\x37\x7f\x06\x83", "an SQLite write-ahead log", SQLITE_WAL),
    MAGIC(0, "REDIS00", "a Redis dump", NULL),
    MAGIC(0,
          "\xfe"
          "bin",
          "a MySQL binary log", NULL),
    MAGIC(0, "LPKSHHRH", "a systemd journal",
          "export it first: journalctl --file FILE -o export | framefs ls -"),
    MAGIC(0, "ElfFile\0", "a Windows event log", NULL),
    /* Programs. */
    MAGIC(0, "\x7f\x45LF", "an ELF object", NULL),
    MAGIC(0, "\xca\xfe\xba\xbe\0\0\0", "a Java class, or a Mach-O object", NULL),
    MAGIC(0, "\xcf\xfa\xed\xfe", "a Mach-O object", NULL),
    MAGIC(0, "MZ\x90\0\x03\0\0\0", "a Windows program", NULL),
    MAGIC(0, "#!", "a script", NULL),
    /* Documents, pictures, sound. */
    MAGIC(0, "%PDF-", "a PDF document", NULL),
    MAGIC(0, "%!PS", "a PostScript document", NULL),
    MAGIC(0, "{\\rtf", "an RTF document", NULL),
    MAGIC(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a Microsoft Office document", NULL),
    MAGIC(0, "<?xml", "an XML document", NULL),
    MAGIC(0, "\xff\xd8\xff", "a JPEG picture", NULL),
    MAGIC(0, "GIF87a", "a GIF picture", NULL),
    MAGIC(0, "GIF89a", "a GIF picture", NULL),
    MAGIC(0, "II*\0", "a TIFF picture", NULL),
    MAGIC(0, "MM\0*", "a TIFF picture", NULL),
    MAGIC(0, "FORM", "an IFF file",
          "describe its chunks: --frame '\"FORM\" u32be str[4] ; type:str[4] len:u32be data "
          "align[2]'"),
    MAGIC(0, "OggS\0", "an Ogg stream", NULL),
    MAGIC(0, "fLaC", "a FLAC recording", NULL),
    MAGIC(0, "ID3\x03\0", "an MP3 recording", NULL),
    MAGIC(0, "ID3\x04\0", "an MP3 recording", NULL),
    MAGIC(0, "\x1a\x45\xdf\xa3", "a Matroska or WebM film", NULL),
};

static const struct ff_known text = {"text", "framefs reads records that lengths tell, not lines"};

/* No control bytes but those that set text, and a byte of ASCII, which all texts have; UTF-16 by
 * its mark. */
static bool is_text(const struct ff_head *head)
{
    const uint8_t *bytes = head->buf;
    size_t len = head->len < TEXT_LOOKED_AT_BYTES ? head->len : TEXT_LOOKED_AT_BYTES;
    bool ascii = false;

    if (len >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
        return bytes[0] == 0xff ? len >= 4 && bytes[3] == 0 : len >= 4 && bytes[2] == 0;
    for (size_t i = 0; i < len; i++) {
        if ((bytes[i] < 0x20 && !(bytes[i] >= '\t' && bytes[i] <= '\r')) || bytes[i] == 0x7f)
            return false;
        ascii = ascii || bytes[i] < 0x80;
    }
    return ascii;
}

const struct ff_known *ff_known_find(const struct ff_head *head)
{
    const uint8_t *bytes = head->buf;

    for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++) {
        const struct magic *magic = &magics[i];
        if (head->len >= (size_t)magic->offset + magic->len &&
            memcmp(bytes + magic->offset, magic->bytes, magic->len) == 0)
            return &magic->known;
    }
    return is_text(head) ? &text : NULL;
}
