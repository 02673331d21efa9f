"""Runs the jobs of `jobs.json` in Wasmtime, in Node and by the native peers, and prints one table.

Starts one process for each of them (`kcc-bench serve`, `node.mjs`, `native.py`), checks that they compute the same, and
then times them interleaved: in every round each contender of a job has one turn, so that load and clock change all of
them alike. A turn gives the processor time of its calls, on average; a contender's milliseconds are the median over
rounds, a ratio is the median over rounds of kcc's time divided by the peer's in that round. Needs nothing but Python.
"""

import argparse
import array
import datetime
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

import inputs

HERE = pathlib.Path(__file__).resolve().parent
# Milliseconds of a turn, and of warming up (V8 compiles what is hot).
TURN, WARM_UP = 40.0, 300.0
ENGINES = ["wasmtime", "node"]


class Worker:
    """A process that answers requests. One that cannot be started has a reason instead."""

    def __init__(self, command, env):
        self.versions, self.missing, self.reason = {}, {}, None
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
            hello = json.loads(self.process.stdout.readline())
            self.versions, self.missing = hello["versions"], hello.get("missing", {})
        except (OSError, ValueError) as error:
            self.reason = f"{pathlib.Path(command[0]).name} did not start: {error}"

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process ended with status {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def stop(self):
        if self.reason is None:
            self.process.stdin.close()
            self.process.wait()


class Contender:
    """One way to do a job, and what it took."""

    def __init__(self, worker, job, call, name):
        self.worker, self.job, self.call, self.name = worker, job, call, name
        self.note, self.tolerance, self.problem = "", None, worker.reason
        self.repeat, self.turns = 1, []

    def turn(self, repeat):
        return self.worker.ask(op="time", job=self.job["name"], call=self.call, repeat=repeat)["ms"]

    def result(self, file):
        self.worker.ask(op="result", job=self.job["name"], call=self.call, file=str(file))
        values = array.array("f")
        values.frombytes(file.read_bytes())
        return values

    def warm_up(self):
        """Runs until it is warm, and decides how many calls make a turn."""
        spent, last = 0.0, TURN
        while spent < WARM_UP:
            repeat = max(1, min(1000, int(TURN / last)))
            last = max(self.turn(repeat), 1e-4)
            spent += last * repeat
        self.repeat = max(1, min(10_000, round(TURN / last)))

    def ms(self):
        return statistics.median(self.turns)


def contenders(job, workers):
    """The contenders of a job: kcc in each engine, then the peers."""
    found = []
    for engine in ENGINES:
        subject = "peak" if "wat" in job else "kcc"
        found.append(Contender(workers[engine], job, "kcc", f"{subject} in {'Wasmtime' if engine == 'wasmtime' else 'Node'}"))
    for peer in job.get("peers", []):
        contender = Contender(workers[peer["worker"]], job, peer["call"], peer["name"])
        contender.tolerance, contender.note = peer["tolerance"], peer.get("note", "")
        lacking = [f"{name}: {why}" for name, why in contender.worker.missing.items() if name in peer["name"]]
        contender.problem = contender.problem or "; ".join(lacking) or None
        found.append(contender)
    return found


def check(group, folder):
    """Compares what the contenders compute with what kcc computes in Wasmtime; says in the note how they agree."""
    reference = None
    for contender in group:
        if contender.problem is not None or "wat" in contender.job:
            continue
        try:
            values = contender.result(folder / "result.bin")
        except RuntimeError as error:
            contender.problem = str(error)
            continue
        if reference is None:
            reference = values
        elif values.tobytes() == reference.tobytes():
            contender.note = contender.note or "same bits"
        elif contender.tolerance is None or len(values) != len(reference):
            contender.problem = "gives another result"
        else:
            most = max(map(abs, map(float.__sub__, values, reference)))
            if math.isnan(most) or most > contender.tolerance:
                contender.problem = f"gives another result (differs by {most:.2g})"
            else:
                contender.note = f"{contender.note + ', ' if contender.note else ''}differs by {most:.1g}"


def ratio(ours, theirs):
    return statistics.median(a / b for a, b in zip(ours.turns, theirs.turns))


def report(groups, workers, rounds):
    peaks = {c.name.split()[-1]: c for group in groups for c in group if "wat" in c.job and c.turns}
    versions = {name: version for worker in workers.values() for name, version in worker.versions.items()}
    print(f"CPU {cpu()}, {datetime.datetime.now(datetime.UTC):%d %b %Y}, {rounds} rounds, one thread")
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    print(f"\n{'':24}{'ms':>10}{'Wasmtime':>10}{'Node':>8}   ratios are kcc / peer: below 1 kcc is ahead")
    for group in groups:
        job = group[0].job
        print(f"{job['name']}: {job['about']}")
        ours = group[: len(ENGINES)]
        for contender in group:
            if not contender.turns:
                print(f"  {contender.name:22}{'-':>10}   {contender.problem}")
                continue
            line = f"  {contender.name:22}{contender.ms():10.4g}"
            if contender in ours:
                line += " " * 18
            else:
                cells = [f"{ratio(own, contender):.2f}" if own.turns else "-" for own in ours]
                line += f"{cells[0]:>10}{cells[1]:>8}"
            notes = [contender.note] if contender.note else []
            if "flops" in job:
                rate = f"{job['flops'] / contender.ms() / 1e6:.1f} GFLOP/s"
                peak = peaks.get(contender.name.split()[-1])
                if peak is not None and contender in ours and "wat" not in job:
                    share = statistics.median(
                        (job["flops"] / mine) / (peak.job["flops"] / top) for mine, top in zip(contender.turns, peak.turns)
                    )
                    rate += f", {share:.0%} of the peak"
                notes.insert(0, rate)
            print(f"{line}   {'; '.join(notes)}".rstrip())


def cpu():
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True, help="the program kcc-bench")
    parser.add_argument("--python", required=True, help="a Python that has the native peers")
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="modules and inputs")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="jobs whose name contains this, and the peak")
    options = parser.parse_args()

    file = HERE / "jobs.json"
    jobs = [job for job in json.loads(file.read_text("utf-8")) if options.only in job["name"] or "wat" in job]
    inputs.write(jobs, options.folder)
    env = dict(os.environ, **{f"{library}_NUM_THREADS": "1" for library in ["OPENBLAS", "OMP", "MKL", "NUMEXPR"]})
    for forced in ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]:
        env.pop(forced, None)
    rest = [str(file), str(options.folder)]
    workers = {
        "wasmtime": Worker([options.server, "serve", *rest], env),
        "node": Worker(["node", str(HERE / "node.mjs"), *rest], env),
        "native": Worker([options.python, str(HERE / "native.py"), *rest], env),
    }
    groups = [contenders(job, workers) for job in jobs]
    for group in groups:
        check(group, options.folder)
    running = [c for group in groups for c in group if c.problem is None]
    for contender in running:
        contender.warm_up()
    for number in range(options.rounds):
        # Another one begins each round, so that none always follows the same neighbour.
        for group in groups:
            able = [c for c in group if c.problem is None]
            for position in range(len(able)):
                contender = able[(position + number) % len(able)]
                contender.turns.append(contender.turn(contender.repeat))
    report(groups, workers, options.rounds)
    for worker in workers.values():
        worker.stop()
    if any(c.problem is not None for group in groups for c in group):
        print("\nnot everything was compared: see the lines with -")
        sys.exit(1)


if __name__ == "__main__":
    main()
