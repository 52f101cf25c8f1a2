/// Metrics as text that Prometheus reads: version 0.0.4 of its exposition format
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
///
/// Each family stands once with all its samples, whatever the order in which these come; the samples of a family in the order in
/// which they come. A family without samples is left out.
public struct MetricsText: Sendable {
  /// Of an answer over HTTP.
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  private struct Entry: Sendable {
    let family: MetricFamily
    var samples = ""
  }

  /// As they stand in front of the labels of every sample.
  private let common: String
  private var entries: [Entry] = []
  private var indices: [String: Int] = [:]

  /// - Parameter common: labels of every sample.
  public init(common: [MetricLabel] = []) { self.common = MetricsText.labels(common) }

  /// Adds a sample of a counter or a gauge. Labels differ from those of other samples of the family.
  public mutating func add(_ family: MetricFamily, _ value: Double, _ labels: [MetricLabel] = []) {
    precondition(family.kind != .histogram, "a histogram is more than one number")
    append(to: family, family.name, MetricsText.labels(labels), MetricsText.number(value))
  }

  public mutating func add(_ family: MetricFamily, _ value: Int, _ labels: [MetricLabel] = []) {
    precondition(family.kind != .histogram, "a histogram is more than one number")
    append(to: family, family.name, MetricsText.labels(labels), String(value))
  }

  public mutating func add(_ family: MetricFamily, _ histogram: Histogram, _ labels: [MetricLabel] = []) {
    precondition(family.kind == .histogram, "only a histogram has buckets")
    let labels = MetricsText.labels(labels)
    let counts = histogram.cumulativeCounts
    for (bound, count) in zip(histogram.bounds + [.infinity], counts) {
      let limit = MetricsText.labels([MetricLabel("le", MetricsText.number(bound))])
      append(to: family, family.name + "_bucket", MetricsText.joined(labels, limit), String(count))
    }
    append(to: family, family.name + "_sum", labels, MetricsText.number(histogram.sum))
    append(to: family, family.name + "_count", labels, String(counts.last ?? 0))
  }

  /// Every line ends in a line feed.
  ///
  /// - Parameter families: their order; those that are not among them are left out.
  public func text(in families: [MetricFamily]) -> String {
    var text = ""
    for family in families {
      guard let index = indices[family.name] else { continue }
      let entry = entries[index]
      text += "# HELP \(entry.family.name) \(MetricsText.escaped(entry.family.help, quotes: false))\n"
      text += "# TYPE \(entry.family.name) \(entry.family.kind.rawValue)\n"
      text += entry.samples
    }
    return text
  }

  private mutating func append(to family: MetricFamily, _ name: String, _ labels: String, _ value: String) {
    let index = indices[family.name] ?? entries.count
    if index == entries.count {
      entries.append(Entry(family: family))
      indices[family.name] = index
    }
    precondition(entries[index].family == family, "'\(family.name)' is the name of one family")
    let all = MetricsText.joined(common, labels)
    entries[index].samples += all.isEmpty ? "\(name) \(value)\n" : "\(name){\(all)} \(value)\n"
  }

  private static func joined(_ left: String, _ right: String) -> String {
    left.isEmpty ? right : right.isEmpty ? left : "\(left),\(right)"
  }

  private static func labels(_ labels: [MetricLabel]) -> String {
    labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",")
  }

  /// Backslashes and line feeds, and quotes where the text stands between some.
  private static func escaped(_ text: String, quotes: Bool) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// Whole numbers without a point, as far as they are exact.
  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if value == value.rounded(), abs(value) < 0x1p53 { return String(Int(value)) }
    return "\(value)"
  }
}
