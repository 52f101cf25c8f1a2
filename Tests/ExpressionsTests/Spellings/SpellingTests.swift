import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@testable import Expressions

/// Texts that Volley did not write, cast to numbers, bools and times beside pyarrow; where the two differ on purpose, `peer`
/// says how, and a row of `Differences.md` why.
@Suite("casts of foreign texts", .serialized)
struct SpellingTests {
  private static let prelude = """
    import io, re, fractions
    import pyarrow.csv as csv

    def of_pyarrow(text, type):
        if pa.types.is_time(type): return of_csv(text, type)
        try: return pa.array([text], pa.string()).cast(type)
        except pa.ArrowInvalid: return pa.nulls(1, type)

    def of_csv(text, type):
        # pyarrow reads times of the day in files only, blanks around them included.
        if text != text.strip() or '"' in text or chr(0) in text: return pa.nulls(1, type)
        options = csv.ConvertOptions(column_types={'a': type}, null_values=[], strings_can_be_null=False)
        try:
            table = csv.read_csv(
                io.BytesIO(('a\\n"' + text + '"\\n').encode()), convert_options=options,
                parse_options=csv.ParseOptions(newlines_in_values=True))
        except pa.ArrowInvalid: return pa.nulls(1, type)
        return table.column(0).combine_chunks()

    def cut(text, type):
        # Without zeros behind the digits that the unit holds: of seconds, not of '16:34.00'.
        held = {'s': 0, 'ms': 3, 'us': 6, 'ns': 9}[type.unit]
        found = re.search(r'(?<=:[0-9]{2}:[0-9]{2})[.]([0-9]{1,9})(?![0-9])', text)
        if not found or found[1][held:].strip('0') or len(found[1]) <= held: return text
        kept = '.' + found[1][:held] if held else ''
        return text[:found.start()] + kept + text[found.end():]

    def peer(text, type):
        none = pa.nulls(1, type)
        if pa.types.is_integer(type):
            if re.match('0[xX]', text): return none
            if re.fullmatch('[+][0-9]+', text): text = text[1:]
            if pa.types.is_unsigned_integer(type) and re.fullmatch('-0+', text): text = '0'
        elif pa.types.is_floating(type):
            if '(' in text: return none
            found = of_pyarrow(text, type)
            # pyarrow rounds to halves by way of float32.
            value = of_pyarrow(text, pa.float64())[0].as_py()
            if type == pa.float16() and value is not None and 1e-12 < abs(value) < 1e6:
                return pa.array([nearest(fractions.Fraction(text), 16)], pa.float32()).cast(type)
            return found
        elif pa.types.is_time(type):
            if text.endswith('.'): return none
            text = cut(text, type)
        elif pa.types.is_timestamp(type):
            if re.fullmatch('.{10}[T ][0-9]{2}(Z|[+-].*)?', text): return none
            text = cut(text, type)
            has_offset = re.search('T.*(Z|[+-][0-9:]+)$| .*(Z|[+-][0-9:]+)$', text)
            if has_offset and type.tz is None: return of_pyarrow(text, pa.timestamp(type.unit, 'UTC')).cast(type)
            if not has_offset and type.tz == 'UTC': return of_pyarrow(text, pa.timestamp(type.unit)).cast(type)
        return of_pyarrow(text, type)

    def nearest(value, bits):
        # The half nearest to an exact fraction, ties to even.
        import numpy as np
        magnitude = abs(value)
        if magnitude >= 65520: return math.inf if value > 0 else -math.inf
        halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16)
        low = int(np.searchsorted(halves.astype(np.float64), float(magnitude)))
        around = [i for i in range(max(0, low - 2), min(0x7C00, low + 3))]
        def distance(i): return abs(fractions.Fraction(float(halves[i])) - magnitude)
        best = min(map(distance, around))
        ties = [i for i in around if distance(i) == best]
        chosen = ties[0] if len(ties) == 1 or ties[0] % 2 == 0 else ties[1]
        # The largest half is nearest up to the middle of it and what would come next.
        return float(halves[chosen]) * (-1 if value < 0 else 1)

    """

  /// - Returns: how many texts have a value.
  private func compare(_ texts: [String], _ type: DataType, _ generator: SeededGenerator) throws -> Int {
    let column = Column.of(.utf8, texts.map { .utf8($0) }, junk: 3)
    let found = try evaluate(.tryCast(a, type), [column])
    let wanted = try PyArrow.columns(
      [column], prelude: PeerPrelude.text + Self.prelude,
      "return [pa.concat_arrays([peer(v, \(WideColumns.python(type))) for v in a.to_pylist()])]")[0]
    #expect(found.type == type && wanted.type == type)
    var values = 0
    for row in 0..<texts.count {
      let (ours, theirs) = (found.slice(row..<(row + 1)), wanted.slice(row..<(row + 1)))
      if found.isValid(row) { values += 1 }
      guard ours != theirs else { continue }
      if isNaN(ours.literal(at: 0)), isNaN(theirs.literal(at: 0)) { continue }
      Issue.record(
        "\(generator): \(texts[row].debugDescription) to \(type): \(ours.text(at: 0)), not \(theirs.text(at: 0))")
    }
    // What has no value stops, and is told.
    for row in 0..<min(texts.count, 120) where !found.isValid(row) {
      let stopped = message { _ = try evaluate(.cast(a, type), [column.slice(row..<(row + 1))]) }
      #expect(
        stopped?.contains(" is no \(type), which is written as ") == true,
        "\(texts[row].debugDescription): \(stopped ?? "")")
    }
    return values
  }

  private func isNaN(_ value: Literal) -> Bool {
    switch value {
    case .float64(let value), .float(let value, _): value.isNaN
    default: false
    }
  }

  private static let numberTypes: [DataType] = [
    .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .bool,
  ]

  @Test("are numbers and bools where pyarrow's are", arguments: numberTypes)
  func numbers(_ type: DataType) throws {
    var generator = SeededGenerator()
    let values = try compare(Spellings.numbers(1500, &generator), type, generator)
    #expect(values > (type == .bool ? 5 : 50), "\(generator): \(values) values")
  }

  private static let timeTypes: [DataType] =
    [.date32, .date64, .time32(.second), .time32(.millisecond), .time64(.microsecond), .time64(.nanosecond)]
    + TimeUnit.allCases.flatMap { unit in
      [DataType.timestamp(unit), .timestamp(unit, timezone: "UTC"), .timestamp(unit, timezone: "Europe/Berlin")]
    }

  @Test("are dates and times where pyarrow's are", arguments: timeTypes)
  func times(_ type: DataType) throws {
    var generator = SeededGenerator()
    let values = try compare(Spellings.times(1000, &generator), type, generator)
    #expect(values > 20, "\(generator): \(values) values")
  }
}
