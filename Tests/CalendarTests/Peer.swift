import Calendar
import TestSupport
import Testing
import VolleyPlan

/// Python with zoneinfo and pyarrow: asked many things in one process.
///
/// A question is an object with `op` and what the operation needs; its answer an array with an element for each value,
/// null where there is no result.
enum Peer {
  struct Failed: Error, CustomStringConvertible { var description: String }

  static func ask(_ questions: [JSONValue]) throws -> [[JSONValue]] {
    let outcome = TestProcess.python(program, input: JSONValue.array(questions).text)
    guard outcome.status == 0 else {
      throw Failed(description: "python3 with pyarrow is needed (pip install pyarrow): \(outcome.errors)")
    }
    guard case .array(let answers) = try JSONValue.parse(outcome.output) else {
      throw Failed(description: "unexpected output: \(outcome.output.prefix(200))")
    }
    return answers.map { if case .array(let values) = $0 { values } else { [] } }
  }

  static func question(_ members: [String: JSONValue], _ values: [Int64]) -> JSONValue {
    .object(
      members.map { JSONValue.Member($0.key, $0.value) } + [.init("values", .array(values.map { .int($0) }))])
  }

  private static let program = #"""
    import sys, json, datetime, zoneinfo, functools
    import pyarrow as pa, pyarrow.compute as pc

    PER = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
    NANOS = {"nanosecond": 1, "microsecond": 10**3, "millisecond": 10**6, "second": 10**9, "minute": 60 * 10**9,
             "hour": 3600 * 10**9, "day": 86400 * 10**9, "week": 7 * 86400 * 10**9}
    MONTHS = {"month": 1, "quarter": 3, "year": 12}
    UTC = datetime.timezone.utc
    EPOCH = datetime.datetime(1970, 1, 1)

    # Dates of any year: 400 years have the same days again.
    def civil(days):
        era, rest = divmod(days, 146097)
        d = datetime.date.fromordinal(719163 + rest)
        return d.year + 400 * era, d.month, d.day

    def days(y, m, d):
        era, year = divmod(y - 1970, 400)
        return datetime.date(1970 + year, m, d).toordinal() - 719163 + 146097 * era

    @functools.cache
    def zone(name): return zoneinfo.ZoneInfo(name)

    def offset(z, seconds):
        return int((EPOCH.replace(tzinfo=UTC) + datetime.timedelta(seconds=seconds)).astimezone(z).utcoffset().total_seconds())

    # The moments of a reading, in order, and the change in whose gap it is.
    def moments(z, reading):
        found = sorted({reading - o for o in {offset(z, reading - 93600), offset(z, reading + 93600), offset(z, reading)}
                        | {fold(z, reading, 0), fold(z, reading, 1)} if offset(z, reading - o) == o})
        if found: return found, None
        low, high = reading - 93600, reading + 93600
        while high - low > 1:
            middle = (low + high) // 2
            if middle + offset(z, middle) <= reading: low = middle
            else: high = middle
        return [], high

    def fold(z, reading, f):
        d = (EPOCH + datetime.timedelta(seconds=reading)).replace(tzinfo=z, fold=f)
        return int(d.utcoffset().total_seconds())

    def read(q, value):
        if not q.get("zone"): return value
        per = PER[q["unit"]]
        return value + offset(zone(q["zone"]), value // per) * per

    def floor(q, reading, arg, n):
        per = PER[q["unit"]]
        if arg in MONTHS:
            y, m, _ = civil(reading // (86400 * per))
            if arg == "year": y, m = y - y % n, 1
            else:
                total = (y - 1970) * 12 + m - 1
                y, m = divmod(total - total % (n * MONTHS[arg]), 12)
                y, m = y + 1970, m + 1
            return days(y, m, 1) * 86400 * per
        scale = 10**9 // per
        length = NANOS[arg] * n
        if scale % length == 0: return reading
        phase = (4 if q.get("sunday") else 3) * NANOS["day"] if arg == "week" else 0
        result = (reading * scale + phase) // length * length - phase
        assert result % scale == 0
        return result // scale

    def after(q, below, arg, n):
        per = PER[q["unit"]]
        if arg in MONTHS:
            y, m, _ = civil(below // (86400 * per))
            y, m = divmod(y * 12 + m - 1 + n * MONTHS[arg], 12)
            return days(y, m + 1, 1) * 86400 * per
        return max(below + 1, below + NANOS[arg] * n * per // 10**9)

    def fits(value): return value if value is not None and -2**63 <= value < 2**63 else None

    def round_(q, value):
        per, up = PER[q["unit"]], q["op"] == "ceil"
        reading = read(q, value)
        below = floor(q, reading, q["arg"], q["n"])
        if not q.get("zone"):
            return fits(below if not up or below == value else after(q, below, q["arg"], q["n"]))
        z = zone(q["zone"])
        def moment(local, choose):
            found, change = moments(z, local // per)
            return change * per if change is not None else choose([m * per + local % per for m in found])
        long = q["arg"] in MONTHS or q["arg"] in ("day", "week")
        nearest = lambda ms: ms[0] if long else ([m for m in ms if m <= value] or ms[:1])[-1]
        result = moment(below, nearest)
        if not up or result == value: return fits(result)
        return fits(moment(after(q, below, q["arg"], q["n"]), lambda ms: ([m for m in ms if m >= value] or ms[-1:])[0]))

    def shift(q, value, amount):
        per, arg = PER[q["unit"]], q["arg"]
        if arg not in MONTHS and arg not in ("day", "week"):
            return fits(value + amount * NANOS[arg] * per // 10**9)
        reading = read(q, value)
        if arg in MONTHS:
            day, rest = divmod(reading, 86400 * per)
            y, m, d = civil(day)
            y, m = divmod(y * 12 + m - 1 + amount * MONTHS[arg], 12)
            length = (days(y + m // 11, (m + 1) % 12 + 1, 1) - days(y, m + 1, 1))
            moved = days(y, m + 1, min(d, length)) * 86400 * per + rest
        else: moved = reading + amount * NANOS[arg] * per // 10**9
        if not q.get("zone"): return fits(moved)
        z = zone(q["zone"])
        found, change = moments(z, moved // per)
        rest = moved % per
        if change is not None: return fits(moved - offset(z, change - 1) * per)
        before = (reading - value) // per
        return fits(([m for m in found if moved // per - m == before] or found)[0] * per + rest)

    def local(q, reading):
        per = PER[q["unit"]]
        found, change = moments(zone(q["zone"]), reading // per)
        if change is not None:
            return {"earliest": change * per - 1, "latest": change * per, "raise": None}[q["choice"]]
        if len(found) > 1 and q["choice"] == "raise": return None
        return fits(found[0 if q["choice"] == "earliest" else -1] * per + reading % per)

    def span(q, second):
        d = (EPOCH.replace(tzinfo=UTC) + datetime.timedelta(seconds=second)).astimezone(zone(q["zone"]))
        return [int(d.utcoffset().total_seconds()), d.tzname()]

    def column(q, key="values"):
        return pa.array(q[key], pa.int64()).cast(pa.timestamp(q["unit"], q.get("zone")))

    def fields(q):
        a, field = column(q), q["arg"]
        if field == "epoch": return [v // PER[q["unit"]] for v in q["values"]]
        named = {"week": pc.iso_week, "iso_year": pc.iso_year, "day_of_year": pc.day_of_year}
        if field == "day_of_week": return pc.day_of_week(a, count_from_zero=False).to_pylist()
        return named.get(field, getattr(pc, field, None))(a).to_pylist()

    def field(q, value):
        per, reading = PER[q["unit"]], read(q, value)
        y, m, d = civil(reading // (86400 * per))
        return {"year": y, "month": m, "day": d, "hour": reading // (3600 * per) % 24, "second": reading // per % 60}[q["arg"]]

    def answer(q):
        op, values = q["op"], q["values"]
        if op in ("floor", "ceil"): return [round_(q, v) for v in values]
        if op in ("arrow floor", "arrow ceil"):
            f = pc.floor_temporal if op.endswith("floor") else pc.ceil_temporal
            return f(column(q), q["n"], q["arg"], week_starts_monday=not q.get("sunday")).cast(pa.int64()).to_pylist()
        if op == "shift": return [shift(q, v, n) for v, n in zip(values, q["amounts"])]
        if op == "difference":
            unit = {"day": "days", "month": None}.get(q["arg"], q["arg"] + "s")
            if unit is None:
                months = lambda a: pc.add(pc.multiply(pc.year(a), 12), pc.month(a))
                return pc.subtract(months(column(q)), months(column(q, "starts"))).to_pylist()
            return getattr(pc, unit + "_between")(column(q, "starts"), column(q)).to_pylist()
        if op == "local": return [local(q, v) for v in values]
        if op == "arrow local":
            a = pa.array(values, pa.int64()).cast(pa.timestamp(q["unit"]))
            return pc.assume_timezone(a, q["zone"], ambiguous=q["choice"], nonexistent=q["choice"]).cast(pa.int64()).to_pylist()
        if op == "span": return [span(q, v) for v in values]
        if op == "fields": return fields(q)
        if op == "field": return [field(q, v) for v in values]
        if op == "strftime": return pc.strftime(column(q), format=q["arg"]).to_pylist()
        if op == "python strftime":
            return [(EPOCH + datetime.timedelta(microseconds=v)).strftime(q["arg"]) for v in values]
        if op == "python strptime":
            def parsed(v):
                d = datetime.datetime.strptime(v, q["arg"])
                d = d.astimezone(UTC).replace(tzinfo=None) if d.tzinfo else d
                return (d - EPOCH) // datetime.timedelta(microseconds=1)
            return [parsed(v) for v in q["texts"]]
        if op == "zones": return sorted(zoneinfo.available_timezones())

    json.dump([answer(q) for q in json.load(sys.stdin)], sys.stdout)
    """#
}

/// The zones that the tests look at: summer time in both hemispheres, of half an hour, negative, given up, around Ramadan,
/// a day that was left out, and offsets of odd minutes.
let testedZones = [
  "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia",
  "Europe/Dublin", "America/Havana", "America/Sao_Paulo", "Asia/Tehran", "Africa/Monrovia", "America/St_Johns",
]

/// A moment in seconds: half the time within some hours of a change of the clocks.
func randomSecond(_ zone: TimeZone?, in range: Range<Int64>, _ generator: inout SeededGenerator) -> Int64 {
  let second = Int64.random(in: range, using: &generator)
  guard let zone, Bool.random(using: &generator) else { return second }
  let change = zone.span(at: second).last
  guard change < range.upperBound - 200_000 else { return second }
  return change + [
    0, 1, .random(in: -8000...8000, using: &generator), .random(in: -100_000...100_000, using: &generator),
  ]
  .randomElement(using: &generator)!
}

extension JSONValue {
  var integer: Int64? { if case .int(let value) = self { value } else { nil } }
  var string: String? { if case .string(let value) = self { value } else { nil } }
}
