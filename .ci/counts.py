"""Sums what test programs counted in a log: prints `passed failed skipped`.

Understood are cargo's and libtest's `test result:` lines (an ignored test is a skipped one), the TAP summary of Node's
runner, lines that hold `N passed, N failed` (and skipped or unsupported), and `check NAME ... ok|FAILED` of `.ci/run`.
"""

import re
import sys

LIBTEST = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;")
PLAIN = re.compile(r"(?:^|: )(\d+) passed, (\d+) failed(?:, (\d+) (?:skipped|unsupported))?$")
TAP = re.compile(r"^# (pass|fail|cancelled|skipped|todo) (\d+)$")
CHECK = re.compile(r"^check .* \.\.\. (ok|FAILED)$")
TAP_PLACE = {"pass": 0, "fail": 1, "cancelled": 1, "skipped": 2, "todo": 2}


def count(lines):
    sums = [0, 0, 0]
    for line in lines:
        line = line.rstrip("\n")
        if found := LIBTEST.search(line) or PLAIN.search(line):
            for place, number in enumerate(found.groups()):
                sums[place] += int(number or 0)
        elif found := TAP.search(line):
            sums[TAP_PLACE[found[1]]] += int(found[2])
        elif found := CHECK.search(line):
            sums[found[1] != "ok"] += 1
    return sums


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        print(*count(log))
