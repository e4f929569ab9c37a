"""Every generated .ovsschema equals the reference as data, and Debian's ovsdb-tool, where it is installed, takes it.

usage: reference_test.py REFERENCE_DIR SHARE_DIR
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

reference_dir, share_dir = sys.argv[1:]


def base(value):
    value = {"type": value} if isinstance(value, str) else dict(value)
    if "enum" in value:
        enum = value["enum"]
        value["enum"] = sorted(enum[1] if isinstance(enum, list) and enum[0] == "set" else [enum])
    if "refTable" in value:
        value.setdefault("refType", "strong")
    return value


def column(value):
    type_ = value["type"]
    type_ = {"key": type_} if isinstance(type_, str) else type_
    return {"key": base(type_["key"]), "value": base(type_["value"]) if "value" in type_ else None,
            "min": type_.get("min", 1), "max": type_.get("max", 1),
            "ephemeral": value.get("ephemeral", False), "mutable": value.get("mutable", True)}


def table(value):
    return {"columns": {name: column(c) for name, c in value["columns"].items()}, "maxRows": value.get("maxRows"),
            "isRoot": value.get("isRoot", False), "indexes": sorted(sorted(i) for i in value.get("indexes", []))}


def database(value):
    return {"name": value["name"], "version": value["version"],
            "tables": {name: table(t) for name, t in value["tables"].items()}}


def differences(path, a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            yield from differences(f"{path}.{key}", a.get(key), b.get(key))
    elif a != b:
        yield f"{path}: reference {a!r}, generated {b!r}"


def main():
    failures = []
    generated = {os.path.basename(path): path for path in glob.glob(f"{share_dir}/*/*.ovsschema")}
    references = sorted(glob.glob(f"{reference_dir}/*.ovsschema"))
    if not references:
        sys.exit("no reference schemas")
    for reference in references:
        name = os.path.basename(reference)
        if name not in generated:
            failures.append(f"{name} was not generated")
            continue
        with open(reference) as f, open(generated[name]) as g:
            failures += differences(name, database(json.load(f)), database(json.load(g)))
    tool = shutil.which("ovsdb-tool", path="/usr/bin")
    for path in generated.values() if tool else []:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([tool, "create", f"{folder}/db", path], capture_output=True, text=True, timeout=20)
            if done.returncode or done.stderr:
                failures.append(f"ovsdb-tool create {path}: {done.stderr}")
            # The checksum is the one over the file without its own line.
            lines = [line for line in open(path) if not line.startswith('  "cksum"')]
            plain = os.path.join(folder, "plain")
            with open(plain, "w") as f:
                f.writelines(lines)
            stated = subprocess.run([tool, "schema-cksum", path], capture_output=True, text=True).stdout.split()
            if stated != subprocess.run(["cksum", plain], capture_output=True, text=True).stdout.split()[:2]:
                failures.append(f"{path}: wrong cksum {stated}")
    for failure in failures:
        print(failure)
    print(f"{len(references)} schemas, {len(failures)} differences, ovsdb-tool {'asked' if tool else 'not installed'}")
    sys.exit(bool(failures))


main()
