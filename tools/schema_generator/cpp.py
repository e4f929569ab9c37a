"""Writes the typed rows of a database: a header of structs, and a source with their descriptions."""
import re

_KEYWORDS = set("""alignas alignof and asm auto bool break case catch char class const continue default delete do
double else enum explicit export extern false float for friend goto if inline int long mutable namespace new not
operator or private protected public register return short signed sizeof static struct switch template this throw
true try typedef typeid union unsigned using virtual void volatile while xor""".split())
_TYPES = {"integer": "int64_t", "real": "double", "boolean": "bool", "string": "std::string", "uuid": "Uuid"}


def struct_name(table):
    return "".join(part[:1].upper() + part[1:] for part in table.split("_"))


def constant_name(column):
    return "k" + struct_name(column)


def field_name(column):
    return column + "_" if column in _KEYWORDS or column == "uuid" else column


def field_type(column):
    key = _TYPES[column.key.type]
    if column.value:
        return f"Map<{key}, {_TYPES[column.value.type]}>"
    if column.min == 1 and column.max == 1:
        return key
    if column.min == 0 and column.max == 1:
        return f"std::optional<{key}>"
    return f"Set<{key}>"


def describe(base):
    if base.ref_table:
        return f"{'weakly ' if base.weak else ''}a row of {base.ref_table}"
    if base.enum:
        return " | ".join(str(e) for e in base.enum)
    low, high = base.minimum, base.maximum
    if low is None and high is None:
        return ""
    return f"{'' if low is None else low}..{'' if high is None else high}"


def _wrap(text, indent, width=110):
    lines, line = [], ""
    for word in text.split():
        if line and len(indent) + 3 + len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [f"{indent}// {each}" for each in lines + [line]]


def header(database, namespace, source):
    out = [f"// Generated from schema/{source} by tools/schema-generator: the rows of database {database.name}.", "",
           "#pragma once", "", "#include <cstdint>", "#include <optional>", "#include <string>", "",
           '#include "base/uuid.h"', '#include "ovsdb/client/table_info.h"', "",
           f"namespace weft::schema::{namespace} {{", "",
           "using ovsdb::Map;", "using ovsdb::Set;", "using ovsdb::client::Column;", "",
           "const ovsdb::client::DatabaseInfo& database();", ""]
    for table in database.tables:
        struct = struct_name(table.name)
        out += _wrap(table.doc, "")
        out += [f"struct {struct} {{", "    Uuid uuid;"]
        for column in table.columns:
            constraint = [describe(b) for b in (column.key, column.value) if b]
            constraint = "; ".join(c for c in constraint if c)
            out += _wrap(column.doc + (f" ({constraint})" if constraint else ""), "    ")
            initial = "" if column.value or column.max != 1 or column.min == 0 or column.key.type in ("string", "uuid") else "{}"
            out.append(f"    {field_type(column)} {field_name(column.name)}{initial};")
        out.append("")
        for column in table.columns:
            out.append(f"    static const Column<{struct}, {field_type(column)}> {constant_name(column.name)};")
        out += ["    static const ovsdb::client::TableInfo& table_info();", "};"]
        for index, column in enumerate(table.columns):
            out.append(f"inline constexpr Column<{struct}, {field_type(column)}> {struct}::{constant_name(column.name)}"
                       f'{{{index}, "{column.name}", &{struct}::{field_name(column.name)}}};')
        out.append("")
    return "\n".join(out + [f"}}  // namespace weft::schema::{namespace}", ""])


def _string_literals(text, size=2000):
    """Compilers limit the length of one literal, not of their sum."""
    for at in range(0, len(text), size):
        yield f'R"weft({text[at:at + size]})weft"'


def source(database, namespace, source_name, schema_text):
    out = [f"// Generated from schema/{source_name} by tools/schema-generator.", "",
           f'#include "schema/{namespace}.h"', "", "#include <cstddef>", "",
           '#pragma GCC diagnostic ignored "-Winvalid-offsetof"', "",
           f"namespace weft::schema::{namespace} {{", "namespace {", "",
           "using ovsdb::client::ColumnInfo;", "using ovsdb::client::TableInfo;", "using ovsdb::client::kCodec;", "",
           "template <typename Row>", "void* create() { return new Row(); }",
           "template <typename Row>", "void* clone(const void* row) { return new Row(*static_cast<const Row*>(row)); }",
           "template <typename Row>", "void destroy(void* row) { delete static_cast<Row*>(row); }", ""]
    for table in database.tables:
        struct = struct_name(table.name)
        out.append(f"const ColumnInfo columns_of_{struct}[] = {{")
        for index, column in enumerate(table.columns):
            out.append(f'    {{"{column.name}", offsetof({struct}, {field_name(column.name)}), {index}, '
                       f"&kCodec<{field_type(column)}>}},")
        out.append("};")
    out.append("")
    for index, table in enumerate(database.tables):
        struct = struct_name(table.name)
        root = "true" if table.is_root else "false"
        out.append(f'const TableInfo table_of_{struct}{{"{table.name}", {index}, {root}, columns_of_{struct}, '
                   f"create<{struct}>, clone<{struct}>, destroy<{struct}>}};")
    out += ["", "const TableInfo* const kTables[] = {"]
    out += [f"    &table_of_{struct_name(table.name)}," for table in database.tables]
    out += ["};", "", "constexpr char kSchemaText[] ="]
    out += [f"    {literal}" for literal in _string_literals(schema_text)]
    out[-1] += ";"
    out += ["", f'const ovsdb::client::DatabaseInfo kDatabase{{"{database.name}", "{database.version}", kTables, kSchemaText}};',
            "", "}  // namespace", "", "const ovsdb::client::DatabaseInfo& database() { return kDatabase; }"]
    for table in database.tables:
        struct = struct_name(table.name)
        out.append(f"const ovsdb::client::TableInfo& {struct}::table_info() {{ return table_of_{struct}; }}")
    return "\n".join(out + ["", f"}}  // namespace weft::schema::{namespace}", ""])
