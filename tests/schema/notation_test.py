"""The notation of schema/*.schema: what is read, and that mistakes are told with file, line and what would be right."""
import os
import tempfile
import unittest

from schema_generator import cpp, notation


def parse(text):
    with tempfile.NamedTemporaryFile("w", suffix=".schema", delete=False) as f:
        f.write(text)
    try:
        return notation.parse(f.name)
    finally:
        os.unlink(f.name)


def column(line):
    database = parse(f"database D 1.0.0\ntable T\n    -- t\n    {line}\n        -- c\n")
    return database.tables[0].columns[0]


class Types(unittest.TestCase):
    def test_cpp_types(self):
        for line, expected in (
            ("a: string", "std::string"), ("a: integer 0..4095", "int64_t"), ("a: optional boolean", "std::optional<bool>"),
            ("a: set of ref T", "Set<Uuid>"), ("a: set [1..] of weak T", "Set<Uuid>"),
            ("a: map string -> integer", "Map<std::string, int64_t>"),
        ):
            self.assertEqual(cpp.field_type(column(line)), expected, line)

    def test_constraints(self):
        c = column('a: set [0..4] of string (a | "b c")')
        self.assertEqual((c.min, c.max, c.key.enum), (0, 4, ["a", "b c"]))
        c = column("a: integer 1.. ephemeral immutable")
        self.assertEqual((c.key.minimum, c.key.maximum, c.ephemeral, c.mutable), (1, None, True, False))


class Mistakes(unittest.TestCase):
    def refused(self, text, message):
        with self.assertRaises(notation.NotationError) as caught:
            parse(text)
        self.assertIn(message, str(caught.exception))

    def test_mistakes(self):
        head = "database D 1.0.0\ntable T\n    -- t\n"
        self.refused(head + "    a: strin\n", ":4: integer or real")
        self.refused(head + "    a: ref Nope\n        -- c\n", "no table Nope")
        self.refused(head + "    a: string\n", "a sentence on its meaning is missing")
        self.refused(head + "    a: string\n        -- c\n    a: real\n        -- c\n", "two columns are called a")
        self.refused("database D 1.0.0\ntable T unique (b)\n    -- t\n", "no such column")
        self.refused(head + "  a: string\n", ":4: a table line")
        self.refused("table T\n", ":1: the first line is")


unittest.main()
