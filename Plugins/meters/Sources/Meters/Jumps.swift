import Volley

/// A keyed process function: counts the jumps of each meter by the minute, and its readings by the hour, told at the end of the day.
final class Jumps: KeyedProcessFunction {
  struct Reading: Codable {
    var at: Timestamp
    var watts: Int64
  }
  struct Minute: Codable {
    var meter: Int64
    var end: Timestamp
    var jumps: Int64
  }
  struct Hour: Codable {
    var meter: Int64
    var hour: Timestamp
    var readings: Int64
  }

  /// Watts of the last reading.
  @State var last = ValueState<Int64>()
  /// When the watts have jumped, by minutes that are not over.
  @State var jumps = ListState<Int64>()
  /// Readings by hour since 1970, of days that are not over.
  @State var hours = MapState<Int64, Int64>()
  /// When the meter counts as silent.
  @State var silence = ValueState<Int64>()

  private static let minute: Int64 = 60_000_000
  private static let hour = 60 * minute
  private static let day = 24 * hour
  private var threshold: Int64 = 0

  func open(_ context: TaskContext) throws {
    threshold = Int64(context.parameter("jump", as: Int.self) ?? 0)
    context.log(.info, "a jump is \(threshold) watts")
  }

  func process(_ reading: Reading, context: Context<Int64, Minute>) throws {
    let at = reading.at.microseconds
    if let before = last.value, abs(reading.watts - before) >= threshold {
      jumps.append(at)
      context.timers.register(at: Timestamp(microseconds: (at / Self.minute + 1) * Self.minute))
      try context.task.count("jumps")
    }
    last.value = reading.watts
    hours[at / Self.hour] = (hours[at / Self.hour] ?? 0) + 1
    context.timers.register(at: Timestamp(microseconds: (at / Self.day + 1) * Self.day))
    // A meter from which nothing comes for an hour is told of in the log.
    if let former = silence.value { context.timers.deleteProcessingTime(at: Timestamp(microseconds: former)) }
    let alarm = context.processingTime.microseconds + Self.hour
    silence.value = alarm
    context.timers.registerProcessingTime(at: Timestamp(microseconds: alarm))
  }

  func onTimer(_ timer: FiredTimer, context: Context<Int64, Minute>) throws {
    guard timer.clock == .eventTime else {
      silence.clear()
      return context.task.log(.warning, "nothing has come from meter \(context.key) for an hour")
    }
    let end = timer.time.microseconds
    let all = jumps.items
    // Those of later minutes may have come already.
    let later = all.filter { $0 >= end }
    if later.count < all.count {
      try context.emit(Minute(meter: context.key, end: timer.time, jumps: Int64(all.count - later.count)))
      jumps.items = later
    }
    guard end % Self.day == 0 else { return }
    for entry in try hours.entries where entry.key * Self.hour < end {
      try context.output(
        "hours",
        Hour(
          meter: context.key, hour: Timestamp(microseconds: entry.key * Self.hour), readings: entry.value))
      hours[entry.key] = nil
    }
  }
}
