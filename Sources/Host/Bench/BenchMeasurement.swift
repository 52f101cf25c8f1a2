import Base
import Glibc
import VolleyPlan

/// What one case measured: medians over the repetitions.
struct BenchResult {
  var name: String
  var threads: Int
  var rows: Int
  var seconds: Double
  var cpuSeconds: Double
  /// The same work as a bare loop on one thread, in the same run. Nil when the case has no such limit.
  var limitSeconds: Double?
  /// What was read, equal to what the bare loop read.
  var checksum: Checksum?
  /// What else the case has to say, by name and unit: "nanoseconds_per_batch".
  var extra: [(String, Double)] = []

  var rowsPerSecond: Double { Double(rows) / seconds }
  var limitRowsPerSecond: Double? { limitSeconds.map { Double(rows) / $0 } }
  var ratio: Double? { limitSeconds.map { $0 / seconds } }

  var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("case", .string(name)), .init("threads", .int(Int64(threads))), .init("rows", .int(Int64(rows))),
      .init("seconds", .double(seconds)), .init("rows_per_second", .double(rowsPerSecond.rounded())),
      .init("cpu_seconds", .double(cpuSeconds)), .init("peak_rss_bytes", .int(Int64(ProcessUsage.peakResidentBytes))),
      .init("limit_rows_per_second", limitRowsPerSecond.map { .double($0.rounded()) } ?? .null),
      .init("ratio", ratio.map { .double(($0 * 1000).rounded() / 1000) } ?? .null),
    ]
    if let checksum { members.append(.init("checksum", .string(String(checksum.bits, radix: 16)))) }
    for (name, value) in extra { members.append(.init(name, .double(value))) }
    return .object(members)
  }

  var line: String {
    var parts = [
      padded(name, 16), "\(threads) thread\(threads == 1 ? " " : "s")",
      twoDecimals(rowsPerSecond / 1e6, width: 9) + " M rows/s",
    ]
    if let limit = limitRowsPerSecond, let ratio {
      parts.append("limit" + twoDecimals(limit / 1e6, width: 9) + " M rows/s")
      parts.append("ratio" + twoDecimals(ratio, width: 6))
    }
    parts.append("cpu" + twoDecimals(cpuSeconds, width: 7) + " s of" + twoDecimals(seconds, width: 7) + " s")
    for (name, value) in extra { parts.append("\(name) \(twoDecimals(value, width: 0))") }
    return parts.joined(separator: "  ")
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}

/// Two decimals, right-aligned.
func twoDecimals(_ value: Double, width: Int = 0) -> String {
  let hundredths = Int((value * 100).rounded())
  let text = "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  return String(repeating: " ", count: max(0, width - text.count)) + text
}

enum ProcessUsage {
  private static var usage: rusage {
    var usage = rusage()
    getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    return usage
  }

  /// Processor time of all threads so far, user and system.
  static var cpuSeconds: Double {
    let usage = usage
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }

  /// The most memory that was resident since `resetPeak`, or since the process began.
  static var peakResidentBytes: Int { usage.ru_maxrss * 1024 }

  /// The same, as the kernel shows it to others.
  static var highWaterBytes: Int {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, 256, file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix("VmHWM:") else { continue }
      let digits = text.filter { $0 >= "0" && $0 <= "9" }
      return (Int(digits) ?? 0) * 1024
    }
    return 0
  }

  /// What is resident now is the peak again. Where the kernel does not allow it, the peak stays.
  static func resetPeak() {
    guard let file = fopen("/proc/self/clear_refs", "w") else { return }
    fputs("5", file)
    fclose(file)
  }

  /// Memory that is resident now, as the kernel counts it.
  static var residentBytes: Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, 256, file) != nil else { return 0 }
    let fields = line.prefix { $0 != 0 }.split(separator: 0x20)
    guard fields.count > 1 else { return 0 }
    let pages = Int(String(decoding: fields[1].map { UInt8(bitPattern: $0) }, as: UTF8.self)) ?? 0
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }

  private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
}

/// Runs `body`; the seconds that it took by the wall and by the processors.
func measure<E: Error>(_ body: () throws(E) -> Void) throws(E) -> (seconds: Double, cpuSeconds: Double) {
  let cpu = ProcessUsage.cpuSeconds
  let clock = ContinuousClock()
  let start = clock.now
  try body()
  let elapsed = start.duration(to: clock.now)
  return (elapsed / .seconds(1), ProcessUsage.cpuSeconds - cpu)
}

/// Runs `body` so many times; the medians of what each took.
func measure<E: Error>(
  times: Int, _ body: () throws(E) -> Void
) throws(E) -> (seconds: Double, cpuSeconds: Double) {
  var seconds: [Double] = []
  var cpuSeconds: [Double] = []
  for _ in 0..<max(1, times) {
    let time = try measure(body)
    seconds.append(time.seconds)
    cpuSeconds.append(time.cpuSeconds)
  }
  return (median(seconds), median(cpuSeconds))
}

func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  return sorted.count % 2 == 1
    ? sorted[sorted.count / 2] : (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2
}

/// Runs `body`, and `close` behind it also when it fails; of two failures the first one is told.
func closing<Result>(
  _ close: () throws(Failure) -> Void, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  let result: Result
  do throws(Failure) {
    result = try body()
  } catch {
    do throws(Failure) { try close() } catch {}
    throw error
  }
  try close()
  return result
}
