#!/usr/bin/env python3
"""Leaves out every sync, link, rename and exclusive creation that a job's files rely on, one at a time, and shows that a test misses
each. By hand.

  Tests/mutations.py            both of the following
  Tests/mutations.py syncs      what is to be synced is not, on disks that forget: by kind, of which file or folder behind which step
  Tests/mutations.py lines      each line that syncs, links, renames or creates does not
  Tests/mutations.py list       what `lines` leaves out

`lines` builds one copy of the sources, in which the environment variable VOLLEY_LEFT_OUT says which line does nothing, and says so on
standard error when it is reached. A line is missed when it was reached and a test that passes with it has recorded an issue.

The copy is built in VOLLEY_MUTATIONS_FOLDER, .build/mutations by default; VOLLEY_MUTATIONS_JOBS says by how many processes,
VOLLEY_MUTATIONS_ONLY the numbers of some lines.
"""

import os
import re
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.abspath(os.environ.get("VOLLEY_MUTATIONS_FOLDER", os.path.join(ROOT, ".build/mutations")))
TARGETS = ("CheckpointingTests", "ConnectorsTests", "HostTests")
PATIENCE = 900

# Folders and files whose steps a job's results rely on, with the suites that can miss one.
PLACES = [
    ("Sources/Checkpointing/Storage", "DiskStorageTests"),
    ("Sources/Checkpointing", "DurabilityTests|PublicationTests|LeaseTests|RecoveryTests|FeedDurabilityTests"),
    ("Sources/Connectors/Input", "BadRecordTests"),
    ("Sources/Connectors/Output", "EpochSinkTests|TakeBackTests"),
    ("Sources/Host/Quarantine", "FeedDurabilityTests"),
    ("Sources/Host/Checkpoints", "DurabilityTests"),
]
# Not of them: Sources/State. A database's folder is thrown away when its process is gone, and a link there only saves a copy; its
# files are synced when they are brought into the checkpoint directory.

CALL = r"\b(?:fsync|fdatasync|syncfs|(?:Glibc\.)?(?:rename|link))\((?:[^()]|\([^()]*\))*\)"
STEP = (r"try (?:[a-z.]*storage\.(?:syncFile|syncFolder|link|rename)|sync|syncFolder|secureFolder|secureFolders"
        r"|(?:files?|policy\??)\.(?:sync|flush)|part\.checkpoint)\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")
# What a line becomes; `#` is its number.
RULES = [
    (re.compile(r"\{ return (" + STEP + r") \}"), r"{ if !isLeftOut(#) { \1 }; return }"),
    (re.compile(r"(" + CALL + r") == 0"), r"(isLeftOut(#) || \1 == 0)"),
    (re.compile(r"(" + STEP + r")"), r"if !isLeftOut(#) { \1 }"),
    (re.compile(r"^( *)(" + CALL + r"|syncFolder\(of: .*\))$"), r"\1if !isLeftOut(#) { \2 }"),
    (re.compile(r"\(onlyNew \? O_EXCL : O_TRUNC\)"), r"(onlyNew && !isLeftOut(#) ? O_EXCL : O_TRUNC)"),
    (re.compile(r"\| O_EXCL\b"), r"| (isLeftOut(#) ? 0 : O_EXCL)"),
    (re.compile(r"onlyNew: true"), r"onlyNew: !isLeftOut(#)"),
]

SWITCH = """import Glibc

private let leftOut = getenv("VOLLEY_LEFT_OUT").map { Int(atoi($0)) }

/// Whether the line of this number is to do nothing.
func isLeftOut(_ line: Int) -> Bool {
  guard line == leftOut else { return false }
  let text = Array("left out: \\(line)\\n".utf8)
  write(2, text, text.count)
  return true
}
"""


def lines():
    """Every line that is left out: file, line from 1, text, what it becomes, and the suites that can miss it."""
    for place, suites in PLACES:
        for folder, _, names in sorted(os.walk(os.path.join(ROOT, place))):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), ROOT)
                if not name.endswith(".swift") or suites != suites_of(path):
                    continue
                with open(os.path.join(ROOT, path)) as file:
                    for number, text in enumerate(file.read().split("\n"), 1):
                        if re.match(r" *(///?|(public |private |static )*func )", text) and "{" not in text:
                            continue
                        for rule, replacement in RULES:
                            if rule.search(text):
                                yield path, number, text.strip(), (rule, replacement), suites
                                break


def suites_of(path):
    return next(suites for place, suites in PLACES if path.startswith(place + "/"))


def prepare(found):
    """A package of a few test targets and what they need, with the switch in it. What is as it was keeps its time."""
    os.makedirs(WORK, exist_ok=True)
    for name in ("sdk", "deploy"):
        if not os.path.islink(os.path.join(WORK, name)):
            os.symlink(os.path.join(ROOT, name), os.path.join(WORK, name))
    wanted = {"Package.swift": package().encode()}
    for name in ("Sources", "Tests"):
        for folder, _, names in os.walk(os.path.join(ROOT, name)):
            for path in (os.path.join(folder, name) for name in names):
                with open(path, "rb") as file:
                    wanted[os.path.relpath(path, ROOT)] = file.read()
    changed = {}
    for index, (path, number, _, (rule, replacement), _) in enumerate(found, 1):
        text = changed.setdefault(path, wanted[path].decode().split("\n"))
        text[number - 1] = rule.sub(replacement.replace("#", str(index)), text[number - 1], count=1)
        # One in each room: what many rooms import stays as it is.
        wanted["/".join([*path.split("/")[:2], "LeftOut.swift"])] = SWITCH.encode()
    for path, text in changed.items():
        wanted[path] = "\n".join(text).encode()
    for name in ("Sources", "Tests"):
        for folder, _, names in os.walk(os.path.join(WORK, name)):
            for path in (os.path.join(folder, name) for name in names):
                if os.path.relpath(path, WORK) not in wanted:
                    os.remove(path)
    for path, content in wanted.items():
        target = os.path.join(WORK, path)
        if os.path.exists(target):
            with open(target, "rb") as file:
                if file.read() == content:
                    continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(content)


def package():
    with open(os.path.join(ROOT, "Package.swift")) as file:
        lines = file.read().split("\n")
    blocks, index = {}, 0
    while index < len(lines):
        if not re.match(r"    \.(target|testTarget|executableTarget|systemLibrary)\(", lines[index]):
            index += 1
            continue
        end, depth = index, 0
        while True:
            depth += sum(map(lines[end].count, "([")) - sum(map(lines[end].count, ")]"))
            if depth <= 0:
                break
            end += 1
        text = "\n".join(lines[index:end + 1])
        blocks[re.search(r'name: "([^"]+)"', text).group(1)] = (index, end, text)
        index = end + 1
    wanted = set()

    def want(name):
        if name in blocks and name not in wanted:
            wanted.add(name)
            for other in re.findall(r'"([^"]+)"', re.sub(r"\.product\([^)]*\)", "", blocks[name][2])):
                want(other)

    for name in TARGETS:
        want(name)
    dropped = {line for name, (start, end, _) in blocks.items() if name not in wanted for line in range(start, end + 1)}
    return "\n".join(line for number, line in enumerate(lines) if number not in dropped)


def build():
    words = ["swift", "build", "--build-tests", "--package-path", WORK]
    if "VOLLEY_MUTATIONS_JOBS" in os.environ:
        words += ["-j", os.environ["VOLLEY_MUTATIONS_JOBS"]]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit("\n".join(line for line in done.stdout.split("\n") if "error" in line) or done.stdout)


ISSUE = re.compile(r"Test (\S.*?) recorded an issue.*")


def test(suites, until=None, **environment):
    """The exit status, None when it took too long, and what was said; it ends with the first line that `until` finds."""
    words = [os.path.join(WORK, ".build/debug/volleyPackageTests.xctest"), "--testing-library", "swift-testing", "--filter", suites]
    if "VOLLEY_MUTATIONS" not in environment:
        words += ["--skip", "everySyncIsNeeded"]
    said = []
    running = subprocess.Popen(
        words, env={**os.environ, **environment}, cwd=WORK, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    clock = threading.Timer(PATIENCE, running.kill)
    clock.start()
    for line in running.stdout:
        said.append(line)
        if until and until.search(line):
            running.kill()
    status = running.wait()
    is_late = not clock.is_alive()
    clock.cancel()
    return None if is_late else status, "".join(said)


def without_kinds():
    """Whether each kind of sync is missed; the tests leave it out themselves."""
    status, text = test("everySyncIsNeeded", VOLLEY_MUTATIONS="1")
    print("\n".join(line for line in text.split("\n") if re.match("left out", line) or "Test run" in line or "issue" in line))
    return status == 0


def verdict(index, suites):
    """Whether the tests miss a line, and what they say."""
    # What is random is tried longer when it is not missed at once.
    for rounds in ("1", "5"):
        status, said = test(suites, until=ISSUE, VOLLEY_LEFT_OUT=str(index), VOLLEY_DURABILITY_ROUNDS=rounds)
        issue = ISSUE.search(said)
        if f"left out: {index}\n" not in said:
            return False, "no test reaches it"
        if issue:
            return True, issue[0][:300]
        if status is None:
            return False, f"the tests did not end within {PATIENCE} s"
        if status != 0:
            return False, f"exit status {status}, and no test has recorded an issue: {said[-300:]}"
    return False, "nothing misses it"


def without_lines(found):
    """Whether each line is missed."""
    everything = "|".join(sorted({suite for *_, suites in found for suite in suites.split("|")}))
    for attempt in range(3):
        started = time.monotonic()
        status, text = test(everything)
        if status != 0:
            sys.exit(f"the tests fail with all lines, in attempt {attempt + 1}:\n{text[-3000:]}")
        print(f"with all lines the tests pass, in {time.monotonic() - started:.0f} s", flush=True)
    missed = 0
    only = os.environ.get("VOLLEY_MUTATIONS_ONLY", "").split()
    chosen = [each for each in enumerate(found, 1) if not only or str(each[0]) in only]
    for index, (path, number, text, _, suites) in chosen:
        started = time.monotonic()
        is_missed, why = verdict(index, suites)
        missed += is_missed
        print(f"{'✔' if is_missed else '✘'} {index} {path}:{number}: {text}\n    {time.monotonic() - started:.0f} s: {why}", flush=True)
    print(f"{len(chosen)} lines left out, {len(chosen) - missed} not missed")
    return missed == len(chosen) > 0


def main():
    what = sys.argv[1] if len(sys.argv) > 1 else "all"
    found = list(lines())
    if what == "list":
        for index, (path, number, text, (rule, replacement), suites) in enumerate(found, 1):
            print(f"{index} {path}:{number}: {rule.sub(replacement.replace('#', str(index)), text, count=1)}")
        return
    prepare(found)
    started = time.monotonic()
    build()
    print(f"built in {time.monotonic() - started:.0f} s", flush=True)
    good = what == "lines" or without_kinds()
    good = (what == "syncs" or without_lines(found)) and good
    print(f"{(time.monotonic() - started) / 60:.0f} minutes")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
