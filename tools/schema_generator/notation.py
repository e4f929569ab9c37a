"""Reads the notation of schema/*.schema; docs/formats/schema.md describes it."""
import re
from dataclasses import dataclass, field


class NotationError(Exception):
    pass


@dataclass
class Base:
    type: str                       # integer, real, boolean, string, uuid
    minimum: int | None = None      # of integers; of strings, the length
    maximum: int | None = None
    enum: list = field(default_factory=list)
    ref_table: str = ""
    weak: bool = False


@dataclass
class Column:
    name: str
    key: Base
    value: Base | None
    min: int
    max: int | None                 # None: unlimited
    ephemeral: bool
    mutable: bool
    doc: str = ""


@dataclass
class Table:
    name: str
    is_root: bool
    max_rows: int | None
    indexes: list
    doc: str = ""
    columns: list = field(default_factory=list)


@dataclass
class Database:
    name: str
    version: str
    doc: str = ""
    tables: list = field(default_factory=list)


_WORD = re.compile(r'\s*("(?:[^"\\]|\\.)*"|->|\.\.|-?\d+|[A-Za-z_][\w-]*|[|,()\[\]])')


class _Words:
    """The words of one line, taken one after the other."""

    def __init__(self, text):
        self.words, at = [], 0
        while at < len(text.rstrip()):
            m = _WORD.match(text, at)
            if not m:
                raise NotationError(f"cannot read {text[at:].strip()!r}")
            self.words.append(m[1])
            at = m.end()

    def peek(self):
        return self.words[0] if self.words else ""

    def take(self, *expected):
        if not self.words or (expected and self.words[0] not in expected):
            raise NotationError(f"{' or '.join(expected) or 'a word'} expected, not {self.peek()!r}")
        return self.words.pop(0)

    def accept(self, word):
        if self.peek() == word:
            self.words.pop(0)
            return True
        return False

    def number(self):
        word = self.take()
        if not re.fullmatch(r"-?\d+", word):
            raise NotationError(f"a number expected, not {word!r}")
        return int(word)


def _range(words):
    """N..M, N.. or ..M"""
    low = words.number() if words.peek() != ".." else None
    words.take("..")
    high = words.number() if re.fullmatch(r"-?\d+", words.peek()) else None
    return low, high


def _base(words):
    if words.accept("ref"):
        return Base("uuid", ref_table=words.take())
    if words.accept("weak"):
        return Base("uuid", ref_table=words.take(), weak=True)
    base = Base(words.take("integer", "real", "boolean", "string", "uuid"))
    if words.accept("("):
        while True:
            word = words.take()
            base.enum.append(int(word) if base.type == "integer" else word.strip('"'))
            if not words.accept("|"):
                break
        words.take(")")
    elif base.type == "integer" and (words.peek() == ".." or re.fullmatch(r"-?\d+", words.peek())):
        base.minimum, base.maximum = _range(words)
    elif base.type == "string" and words.accept("length"):
        base.minimum, base.maximum = _range(words)
    return base


def _column(name, text):
    words = _Words(text)
    minimum, maximum, value = 1, 1, None
    if words.accept("optional"):
        minimum = 0
        key = _base(words)
    elif words.peek() in ("set", "map"):
        is_map = words.take() == "map"
        minimum, maximum = 0, None
        if words.accept("["):
            minimum, maximum = _range(words)
            minimum = minimum or 0
            words.take("]")
        if not is_map:
            words.take("of")
        key = _base(words)
        if is_map:
            words.take("->")
            value = _base(words)
    else:
        key = _base(words)
    ephemeral = words.accept("ephemeral")
    mutable = not words.accept("immutable")
    if words.words:
        raise NotationError(f"unexpected {' '.join(words.words)!r}")
    return Column(name, key, value, minimum, maximum, ephemeral, mutable)


def _table(text):
    words = _Words(text)
    table = Table(words.take(), False, None, [])
    while words.words:
        word = words.take("root", "rows", "unique")
        if word == "root":
            table.is_root = True
        elif word == "rows":
            table.max_rows = words.number()
        else:
            words.take("(")
            index = [words.take()]
            while words.accept(","):
                index.append(words.take())
            words.take(")")
            table.indexes.append(index)
    return table


def _check(database):
    tables = {t.name for t in database.tables}
    for table in database.tables:
        where = f"table {table.name}"
        names = [c.name for c in table.columns]
        for name in names:
            if names.count(name) > 1:
                raise NotationError(f"{where}: two columns are called {name}")
        for index in table.indexes:
            for name in index:
                if name not in names:
                    raise NotationError(f"{where}: unique ({name}): no such column")
        if not table.doc:
            raise NotationError(f"{where}: a sentence on its meaning is missing")
        for column in table.columns:
            if not column.doc:
                raise NotationError(f"{where}, column {column.name}: a sentence on its meaning is missing")
            for base in (column.key, column.value):
                if base and base.ref_table and base.ref_table not in tables:
                    raise NotationError(f"{where}, column {column.name}: there is no table {base.ref_table}")


def parse(path):
    database = subject = None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip()
            try:
                text, dashes, prose = line.partition("--")
                if dashes:
                    if text.strip():
                        raise NotationError("prose stands on lines of its own")
                    if subject is None:
                        raise NotationError("prose before anything it could be about")
                    subject.doc = (subject.doc + " " + prose.strip()).strip()
                elif not text.strip() or text.lstrip().startswith("#"):
                    continue
                elif m := re.fullmatch(r"database (\w+) (\d+\.\d+\.\d+)", line):
                    database = subject = Database(m[1], m[2])
                elif database is None:
                    raise NotationError("the first line is: database NAME X.Y.Z")
                elif m := re.fullmatch(r"table (.*)", line):
                    subject = _table(m[1])
                    database.tables.append(subject)
                elif m := re.fullmatch(r"    (\w+): (.*)", line):
                    if not database.tables:
                        raise NotationError("a column before any table")
                    subject = _column(m[1], m[2])
                    database.tables[-1].columns.append(subject)
                else:
                    raise NotationError("a table line, a column line (indented by four) or prose (--) expected")
            except NotationError as error:
                raise NotationError(f"{path}:{number}: {error}") from None
    if database is None:
        raise NotationError(f"{path}: it is empty")
    try:
        _check(database)
    except NotationError as error:
        raise NotationError(f"{path}: {error}") from None
    return database
