# SPDX-License-Identifier: MPL-2.0
"""Puts results of the benchmark beside the limits that govern them, and the bars beside both.

  ratios.py [--json] LIMITS BENCH

Both files hold one JSON object a line, as `limits -o json` and `belfry bench -o json` print
them, of one run or of several; of several the medians are shown. Which limit governs what is
said in GOVERNED, and what is asked of it in BARS.
"""

import fnmatch
import json
import statistics
import sys


def rate(limit, case):
    """A rate of the same workload."""
    return lambda limits, workload: limits.get((limit, case, workload, "rate"))


def together(*ways):
    """One after the other: so many a second of each."""

    def both(limits, workload):
        rates = [way(limits, workload) for way in ways]
        return None if None in rates else 1 / sum(1 / each for each in rates)

    return both


def time_of(limits, limit, case, workload):
    """A median: of the workload, of none where the limit knows of none, of the steady one where
    the result knows of none."""
    for known in (workload, None, "steady"):
        if (limit, case, known, "p50") in limits:
            return limits[(limit, case, known, "p50")]
    return None


def times(*names):
    """One after the other."""

    def total(limits, workload):
        found = [time_of(limits, *name, workload) for name in names]
        return None if None in found else sum(found)

    return total


RAW_SCHEDULE = rate("sqlite_schedule", "batch_256")
RAW_BULK = rate("sqlite_schedule", "batch_1000")
RAW_CANCEL = rate("sqlite_cancel", "batch_256")
RAW_RUN = rate("sqlite_fire_and_complete", "batch_256")
RAW_RUN_TOGETHER = rate("sqlite_fire_and_complete", "batch_256_together")
ONE_CALL = times(("sqlite_schedule", "batch_1"), ("wire", "one_in_flight"))
ONE_DELIVERY = times(("timer", "idle"), ("sqlite_fire", "batch_1"), ("wire", "one_in_flight"))

# (load, pattern of the case, metric) of a result; the first that fits. What is it held against,
# in a few words?
GOVERNED = {
    ("schedule", "one_in_flight", "p50"): (ONE_CALL, "a commit of one row + a round trip"),
    ("schedule", "in_flight_256", "rate"): (RAW_SCHEDULE, "raw SQLite, 256 a commit"),
    ("schedule", "connections_8", "rate"): (RAW_SCHEDULE, "raw SQLite, 256 a commit"),
    ("schedule", "batches_1000", "rate"): (RAW_BULK, "raw SQLite, 1,000 a commit"),
    ("cancel", "*", "rate"): (RAW_CANCEL, "raw SQLite, 256 a commit"),
    ("drain", "batched", "rate"): (RAW_RUN_TOGETHER, "raw SQLite, 256 a commit"),
    ("drain", "*", "rate"): (RAW_RUN, "raw SQLite, 256 a commit"),
    ("lifecycle", "*", "rate"): (
        together(RAW_SCHEDULE, RAW_RUN),
        "raw SQLite, 256 a commit, without pruning",
    ),
    ("pending", "depth_[1n]*", "rate"): (rate("pending", "depth_0"), "the same with none pending"),
    ("latency", "*", "p50"): (ONE_DELIVERY, "a wake-up + a commit of one run + a round trip"),
}

ANY = ("steady", "scattered", None)


def least(value):
    return lambda got, ratio: got >= value


def most(value):
    return lambda got, ratio: got <= value


def least_ratio(value):
    return lambda got, ratio: ratio is not None and ratio >= value


def most_ratio(value):
    return lambda got, ratio: ratio is not None and ratio <= value


# (load, pattern of the case, metric, workloads, what is asked, whether it is so)
BARS = [
    ("schedule", "one_in_flight", "p50", ANY, "<= 1.6 x", most_ratio(1.6)),
    ("schedule", "in_flight_256", "rate", ("steady",), ">= 50,000/s", least(50000)),
    ("schedule", "in_flight_256", "rate", ("steady",), ">= 40 %", least_ratio(0.40)),
    ("schedule", "in_flight_256", "rate", ("scattered",), ">= 70 %", least_ratio(0.70)),
    ("schedule", "batches_1000", "rate", ("steady",), ">= 120,000/s", least(120000)),
    ("schedule", "batches_1000", "rate", ("steady",), ">= 70 %", least_ratio(0.70)),
    ("schedule", "batches_1000", "rate", ("scattered",), ">= 90 %", least_ratio(0.90)),
    ("cancel", "in_flight_256", "rate", ("steady",), ">= 50,000/s", least(50000)),
    ("cancel", "in_flight_256", "rate", ("scattered",), ">= 70 %", least_ratio(0.70)),
    ("drain", "*", "rate", ("steady",), ">= 30,000/s", least(30000)),
    ("lifecycle", "*", "rate", ("steady", None), ">= 20,000/s", least(20000)),
    ("latency", "*170*", "p50", ANY, "<= 1.5 x", most_ratio(1.5)),
    ("latency", "*170*", "p99", ANY, "<= 3,000 us", most(3000)),
    ("latency", "*1000*", "p99", ANY, "<= 5,000 us", most(5000)),
    ("pending", "depth_1m", "rss", ANY, "<= 48 MiB", most(48)),
    ("pending", "depth_10m", "rss", ANY, "<= 64 MiB", most(64)),
    ("pending", "depth_1*m", "disk", ANY, "<= 600 bytes", most(600)),
    ("pending", "depth_1m", "restart", ANY, "<= 500 ms", most(500)),
    ("pending", "depth_10m", "restart", ANY, "<= 1,000 ms", most(1000)),
    ("pending", "depth_10m", "rate", ("steady",), ">= 80 %", least_ratio(0.80)),
    ("pending", "depth_10m", "rate", ("scattered",), ">= 50 %", least_ratio(0.50)),
    *((("idle", name, "wake_ups", ANY, "0 in 60 s", most(0))
       for name in ("clock", "dispatcher", "store", "retry", "gateway"))),
    ("idle", "process", "wake_ups", ANY, "<= 240 in 60 s", most(240)),
    ("idle", "process", "cpu", ANY, "< 0.05 %", lambda got, ratio: got < 0.05),
    ("idle", "process", "written", ANY, "0 bytes", most(0)),
]


def read(path, name):
    """All values by what they are of, the first line about the machine, in order."""
    values, machine, units = {}, None, {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if "machine" in row:
                machine = machine or row
                continue
            key = (row[name], row["case"], row.get("workload"), row["metric"])
            values.setdefault(key, []).append(row["value"])
            units[key] = row["unit"]
    return values, units, machine


def fits(of, key):
    """What is due to a subscriber of the feed has no worker to wait for it: it has no bars."""
    load, case, _, metric = key
    of_load, of_case, of_metric = of
    told = load == "latency" and "feed" in case
    return of_load == load and of_metric == metric and fnmatch.fnmatch(case, of_case) and not told


def governing(key):
    return next((held for of, held in GOVERNED.items() if fits(of, key)), None)


def judge(key, value, ratio):
    """The bars of a result, each with whether it is taken."""
    found = []
    for of_load, of_case, of_metric, workloads, text, taken in BARS:
        if fits((of_load, of_case, of_metric), key) and key[2] in workloads:
            found.append((text, taken(value, ratio)))
    return found


def results(bench, units, limits):
    medians = {key: statistics.median(values) for key, values in (*limits.items(), *bench.items())}
    for key, values in bench.items():
        value, held = statistics.median(values), governing(key)
        limit = held[0](medians, key[2]) if held else None
        ratio = value / limit if limit else None
        row = dict(zip(("load", "case", "workload", "metric"), key))
        row.update(unit=units[key], value=value, min=min(values), max=max(values), runs=len(values))
        if limit:
            row.update(limit=limit, limit_is=held[1], ratio=ratio)
        bars = judge(key, value, ratio)
        if bars:
            row.update(bars=[{"bar": text, "taken": taken} for text, taken in bars])
        yield row


def number(value):
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def print_table(title, head, rows):
    print(f"\n{title}\n\n| " + " | ".join(head) + " |")
    print("| " + " | ".join("---" for _ in head) + " |")
    for row in rows:
        print("| " + " | ".join(row) + " |")


def limit_rows(limits, units):
    for key, values in limits.items():
        limit, case, workload, metric = key
        # How long a large batch takes is said by its rate.
        large = limit.startswith("sqlite_") and not case.startswith("batch_1_") and case != "batch_1"
        if metric in ("p999", "max") or (large and metric != "rate"):
            continue
        spread = f"{number(min(values))} - {number(max(values))}"
        yield (limit, case, workload or "", metric, number(statistics.median(values)), spread, units[key])


def result_rows(rows):
    for row in rows:
        spread = f"{number(row['min'])} - {number(row['max'])}"
        limit = f"{number(row['limit'])}: {row['limit_is']}" if "limit" in row else ""
        ratio = f"{row['ratio']:.2f}" if "ratio" in row else ""
        bars = "; ".join(f"{bar['bar']} {'yes' if bar['taken'] else 'NO'}" for bar in row.get("bars", []))
        yield (row["load"], row["case"], row["workload"] or "", row["metric"], number(row["value"]), spread,
               row["unit"], limit, ratio, bars)


def main(arguments):
    as_json = arguments[:1] == ["--json"]
    limits_path, bench_path = arguments[as_json:]
    limits, limit_units, limits_machine = read(limits_path, "limit")
    bench, bench_units, machine = read(bench_path, "load")
    rows = list(results(bench, bench_units, limits))
    machine = machine or limits_machine
    if as_json:
        if machine:
            print(json.dumps(machine))
        for key, values in limits.items():
            row = dict(zip(("limit", "case", "workload", "metric"), key))
            row.update(unit=limit_units[key], value=statistics.median(values), min=min(values),
                       max=max(values), runs=len(values))
            print(json.dumps(row))
        for row in rows:
            print(json.dumps(row))
        return
    if machine:
        for name, value in machine["machine"].items():
            print(f"{name}: {value}")
    print_table("Limits of this machine", ("limit", "case", "workload", "metric", "median", "least - greatest", "unit"),
                limit_rows(limits, limit_units))
    print_table("Belfry", ("load", "case", "workload", "metric", "median", "least - greatest", "unit", "limit", "ratio", "bar"),
                result_rows(rows))


main(sys.argv[1:])
