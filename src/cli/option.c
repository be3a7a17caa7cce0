#include "cli/option.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

#define NAMES_MAX 96

const char *ff_option_shown(char buf[FF_OPTION_SHOWN_BYTES], const char *text)
{
    ff_escape(buf, FF_OPTION_SHOWN_BYTES, text, strlen(text));
    return buf;
}

static bool same_name(const char *name, const char *given, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = given[i] == '_' ? '-' : given[i];
        if (c != name[i])
            return false;
    }
    return name[len] == '\0';
}

const struct ff_option *ff_option_find(const struct ff_option *options, const char *name,
                                       size_t len)
{
    for (; !ff_option_is_end(options); options++) {
        if (options->name && same_name(options->name, name, len))
            return options;
    }
    return NULL;
}

static const struct ff_option *find_letter(const struct ff_option *options, char letter)
{
    for (; !ff_option_is_end(options); options++) {
        if (options->letter == letter)
            return options;
    }
    return NULL;
}

const char *ff_option_nearest(const struct ff_option *options, const char *const *extra,
                              const char *name)
{
    const char *names[NAMES_MAX + 1];
    size_t count = 0;

    for (; !ff_option_is_end(options) && count < NAMES_MAX; options++) {
        if (options->name)
            names[count++] = options->name;
    }
    for (; extra && *extra && count < NAMES_MAX; extra++)
        names[count++] = *extra;
    names[count] = NULL;
    return ff_nearest(name, names);
}

static int unknown_name(const struct ff_option *options, const char *argument,
                        struct ff_error *error)
{
    char name[FF_OPTION_SHOWN_BYTES], shown[FF_OPTION_SHOWN_BYTES];

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
    const char *nearest = ff_option_nearest(options, NULL, name);
    ff_option_shown(shown, name);
    if (nearest)
        return ff_error_set(error, -EINVAL, "unknown option '--%s': did you mean '--%s'?", shown,
                            nearest);
    return ff_error_set(error, -EINVAL, "unknown option '--%s'", shown);
}

/* The option as the user wrote it, for messages: "--name" or "-x". */
#define LABEL_BYTES 64
static void label_of(char buf[LABEL_BYTES], const struct ff_option *option, bool by_letter)
{
    if (by_letter)
        snprintf(buf, LABEL_BYTES, "-%c", option->letter);
    else
        snprintf(buf, LABEL_BYTES, "--%s", option->name);
}

static int apply(const struct ff_option *option, bool by_letter, const char *argument, void *values,
                 struct ff_error *error)
{
    char label[LABEL_BYTES];
    struct ff_error detail = {0};

    if (!option->parse)
        return 1;
    label_of(label, option, by_letter);
    if (!option->argument && argument)
        return ff_error_set(error, -EINVAL, "option '%s' takes no value", label);
    if (option->argument && !option->optional && !argument)
        return ff_error_set(error, -EINVAL, "option '%s' needs a value: %s", label,
                            option->argument);
    int rc = option->parse((char *)values + option->offset, argument, &detail);
    /* -o is a list whose own messages name the faulty one. */
    if (rc < 0 && !option->name)
        return ff_error_set(error, -EINVAL, "%s", detail.text);
    if (rc < 0)
        return ff_error_set(error, -EINVAL, "option '%s': %s", label, detail.text);
    return rc;
}

static int parse_long(const struct ff_option *options, char *const *arguments, size_t count,
                      void *values, size_t *at, struct ff_error *error)
{
    const char *name = arguments[*at] + 2;
    const char *equals = strchr(name, '=');
    const struct ff_option *option =
        ff_option_find(options, name, equals ? (size_t)(equals - name) : strlen(name));
    const char *argument = equals ? equals + 1 : NULL;

    if (!option)
        return unknown_name(options, arguments[*at], error);
    if (!argument && option->argument && !option->optional && *at + 1 < count)
        argument = arguments[++*at];
    return apply(option, false, argument, values, error);
}

static int parse_letters(const struct ff_option *options, char *const *arguments, size_t count,
                         void *values, size_t *at, struct ff_error *error)
{
    for (const char *letter = arguments[*at] + 1; *letter; letter++) {
        const struct ff_option *option = find_letter(options, *letter);
        const char *argument = NULL;
        char shown[FF_OPTION_SHOWN_BYTES];

        if (!option)
            return ff_error_set(error, -EINVAL, "unknown option '-%s'",
                                ff_option_shown(shown, letter));
        bool takes = option->argument && !option->optional;
        if (takes && letter[1])
            argument = letter + 1;
        else if (takes && *at + 1 < count)
            argument = arguments[++*at];
        int rc = apply(option, true, argument, values, error);
        if (rc != 0)
            return rc;
        if (takes)
            break;
    }
    return 0;
}

static bool is_operand(const char *argument)
{
    return argument[0] != '-' || argument[1] == '\0' || isdigit((unsigned char)argument[1]);
}

int ff_option_parse(const struct ff_option *options, char *const *arguments, size_t count,
                    void *values, char **ret_operands, size_t *ret_operand_count,
                    struct ff_error *error)
{
    size_t operands = 0;

    for (size_t i = 0; i < count; i++) {
        int rc;
        if (strcmp(arguments[i], "--") == 0) {
            while (++i < count)
                ret_operands[operands++] = arguments[i];
            break;
        }
        if (is_operand(arguments[i])) {
            ret_operands[operands++] = arguments[i];
            continue;
        }
        if (arguments[i][1] == '-')
            rc = parse_long(options, arguments, count, values, &i, error);
        else
            rc = parse_letters(options, arguments, count, values, &i, error);
        if (rc != 0)
            return rc;
    }
    *ret_operand_count = operands;
    return 0;
}

#define HELP_COLUMN 28

void ff_option_print(struct ff_output *out, const struct ff_option *options)
{
    for (; !ff_option_is_end(options); options++) {
        char left[LABEL_BYTES * 2];
        char letter[8] = "    ";
        const char *argument = options->argument ? options->argument : "";

        if (options->letter)
            snprintf(letter, sizeof(letter), "-%c%s", options->letter, options->name ? ", " : " ");
        if (!options->name)
            snprintf(left, sizeof(left), "  %s%s", letter, argument);
        else if (options->optional)
            snprintf(left, sizeof(left), "  %s--%s[=%s]", letter, options->name, argument);
        else
            snprintf(left, sizeof(left), "  %s--%s%s%s", letter, options->name,
                     options->argument ? "=" : "", argument);
        ff_output_column(out, left, HELP_COLUMN);
        if (strlen(left) >= HELP_COLUMN)
            ff_output_format(out, "\n%*s", HELP_COLUMN, "");
        ff_output_folded(out, options->help, HELP_COLUMN);
        ff_output_text(out, "\n");
    }
}
