import Arrow
import Base
import Calendar
import VolleyPlan

/// Times as text in a format of strftime codes, and back: see `TimestampFormatter` and `TimestampParser`.
extension FunctionTable {
  static var temporalText: [FunctionDefinition] { [format, parse, tryParse] }

  private static let format = FunctionDefinition("date_format", "date_format(time, format)", arity: 2...2) {
    call throws(Failure) in
    let shape = try call.shape(0, "the time")
    let formatter = try TimestampFormatter(
      call.text(1, "the format"), column: shape.unit, clock: call.clock(shape), isInstant: shape.zone != nil,
      place: call.definition.name)
    let definition = call.definition
    return call.kernel(call.types, .utf8, isFallible: true, cost: 50) { operands, count throws(Failure) in
      let column = try operands[0].column(count)
      let input = shape.load(column)
      let values = input.values(Int64.self)
      var formatter = formatter
      var failed: Int?
      let result = try TextCasts.format(input, width: formatter.width) { row, target in
        guard let end = formatter.write(values[row], to: target) else {
          failed = failed ?? row
          return 0
        }
        return end - target
      }
      if let failed {
        throw definition.failure(
          TemporalColumn.text(column, failed), "has no reading in its zone that \(shape.type) holds")
      }
      return result
    }
  }

  /// A timestamp in UTC if the format tells an offset, else one without a zone. The unit is microseconds unless it is
  /// named.
  private static let parse = FunctionDefinition(
    "date_parse", "date_parse(text, format[, unit])", arity: 2...3
  ) { call throws(Failure) in try parsing(call, nullOnError: false) }

  /// As `date_parse`, but null for a text that is in another form.
  private static let tryParse = FunctionDefinition(
    "try_date_parse", "try_date_parse(text, format[, unit])", arity: 2...3
  ) { call throws(Failure) in try parsing(call, nullOnError: true) }

  private static func parsing(_ call: FunctionCall, nullOnError: Bool) throws(Failure) -> FunctionBinding {
    let format = try call.text(1, "the format")
    let unit: TimeUnit = try call.choice(2, "the unit", .microsecond)
    let parser = try TimestampParser(format, unit: unit, place: call.definition.name)
    let type = DataType.timestamp(unit, timezone: parser.hasOffset ? "UTC" : nil)
    let definition = call.definition
    return call.kernel(
      [.utf8] + call.types.dropFirst(), type, makesNulls: nullOnError, isFallible: !nullOnError, cost: 50
    ) { operands, count throws(Failure) in
      let column = try operands[0].column(count)
      let texts = TextInput(column)
      let results = Buffer(byteCount: count * 8)
      let values = results.unsafeMutableValues(Int64.self)
      let valid = nullOnError ? Words(repeating: false, count: count) : nil
      for row in 0..<count {
        values[row] = 0
        guard column.isValid(row), let start = texts[row].baseAddress else { continue }
        let end = start + texts[row].count
        switch parser.read(start, end, &values[row]) {
        case .withOffset, .withoutOffset:
          if let valid { Bitmap.set(valid.buffer.unsafeMutableAddress, row, true) }
        case .malformed, .outOfRange:
          guard !nullOnError else { continue }
          throw definition.failure(
            quotedText(texts[row]), "is not in the format '\(format)': \(parser.complaint(start, end))")
        }
      }
      return Column(
        type: type, length: count, validity: valid?.buffer ?? commonValidity([column], count: count),
        buffers: [results])
    }
  }
}
