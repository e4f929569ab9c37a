"""Writes a database's .ovsschema: JSON as of RFC 7047, section 3.2."""
import json


def _base(base):
    out = {"type": base.type}
    if base.enum:
        out["enum"] = ["set", base.enum]
    if base.ref_table:
        out["refTable"] = base.ref_table
        if base.weak:
            out["refType"] = "weak"
    low, high = ("minLength", "maxLength") if base.type == "string" else ("minInteger", "maxInteger")
    if base.minimum is not None:
        out[low] = base.minimum
    if base.maximum is not None:
        out[high] = base.maximum
    return base.type if len(out) == 1 else out


def _column(column):
    key = _base(column.key)
    scalar = column.min == 1 and column.max == 1 and column.value is None
    if scalar and isinstance(key, str):
        type_ = key
    else:
        type_ = {"key": key}
        if column.value:
            type_["value"] = _base(column.value)
        if not scalar:
            type_["min"] = column.min
            type_["max"] = "unlimited" if column.max is None else column.max
    out = {"type": type_}
    if column.ephemeral:
        out["ephemeral"] = True
    if not column.mutable:
        out["mutable"] = False
    return out


def _lines(database):
    """One column a line, so that people can read it and diff it."""
    yield "{"
    yield f'  "name": {json.dumps(database.name)},'
    yield f'  "version": {json.dumps(database.version)},'
    yield '  "tables": {'
    for t, table in enumerate(database.tables):
        yield f"    {json.dumps(table.name)}: {{"
        yield '      "columns": {'
        for c, column in enumerate(table.columns):
            comma = "," if c + 1 < len(table.columns) else ""
            yield f"        {json.dumps(column.name)}: {json.dumps(_column(column))}{comma}"
        rest = []
        if table.max_rows is not None:
            rest.append(f'"maxRows": {table.max_rows}')
        if table.indexes:
            rest.append(f'"indexes": {json.dumps(table.indexes)}')
        if table.is_root:
            rest.append('"isRoot": true')
        yield "      }" + ("," if rest else "")
        if rest:
            yield "      " + ", ".join(rest)
        yield "    }" + ("," if t + 1 < len(database.tables) else "")
    yield "  }"
    yield "}"


def _cksum(data):
    """POSIX cksum(1)."""
    crc = 0
    length = len(data)
    for byte in data + length.to_bytes((length.bit_length() + 7) // 8, "little"):
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return f"{crc ^ 0xFFFFFFFF} {length}"


def render(database):
    lines = list(_lines(database))
    # As tools of this field compute it: over the file without the line that holds it.
    cksum = _cksum(("\n".join(lines) + "\n").encode())
    lines.insert(3, f'  "cksum": "{cksum}",')
    return "\n".join(lines) + "\n"
