import Base
import Observability
import TestSupport
import Testing

struct MetricsTextTests {
  private static let counter = MetricFamily("rows_total", .counter, "Rows")
  private static let gauge = MetricFamily("fill_bytes", .gauge, "Bytes")
  private static let times = MetricFamily("wait_seconds", .histogram, "Waits")

  @Test("a family stands once with its samples, in the order that is asked for")
  func families() {
    var text = MetricsText(common: [MetricLabel("job", "j")])
    text.add(Self.gauge, 1)
    text.add(Self.counter, 2, [MetricLabel("uid", "a")])
    text.add(Self.gauge, 3, [MetricLabel("uid", "b"), MetricLabel("subtask", "0")])
    text.add(Self.counter, 4, [MetricLabel("uid", "b")])
    #expect(
      text.text(in: [Self.counter, Self.times, Self.gauge]) == """
        # HELP rows_total Rows
        # TYPE rows_total counter
        rows_total{job="j",uid="a"} 2
        rows_total{job="j",uid="b"} 4
        # HELP fill_bytes Bytes
        # TYPE fill_bytes gauge
        fill_bytes{job="j"} 1
        fill_bytes{job="j",uid="b",subtask="0"} 3

        """)
  }

  @Test("without labels a sample has no braces, and without samples there is nothing")
  func bare() {
    var text = MetricsText()
    #expect(text.text(in: [Self.gauge]) == "")
    text.add(Self.gauge, 0)
    #expect(text.text(in: [Self.gauge]).hasSuffix("\nfill_bytes 0\n"))
  }

  @Test(
    "numbers are as Go reads them",
    arguments: [
      (0.0, "0"), (-0.0, "0"), (1, "1"), (-7, "-7"), (0.1, "0.1"), (1.5e-9, "1.5e-09"), (1e22, "1e+22"),
      (9_007_199_254_740_991, "9007199254740991"), (9_007_199_254_740_994, "9.007199254740994e+15"),
      (.infinity, "+Inf"),
      (-.infinity, "-Inf"), (.nan, "NaN"), (.greatestFiniteMagnitude, "1.7976931348623157e+308"),
      (.leastNonzeroMagnitude, "5e-324"),
    ])
  func numbers(value: Double, expected: String) {
    var text = MetricsText()
    text.add(Self.gauge, value)
    #expect(text.text(in: [Self.gauge]).hasSuffix("\nfill_bytes \(expected)\n"))
  }

  @Test("backslashes, quotes and line feeds of labels are escaped, those of helps but for quotes")
  func escapes() {
    let family = MetricFamily("odd", .gauge, "a \\ b\nc \"d\"")
    var text = MetricsText(common: [MetricLabel("job", "\"\\\n\"")])
    text.add(family, 1, [MetricLabel("uid", "größer {a=\"b\",} #\r\n")])
    #expect(
      text.text(in: [family])
        == "# HELP odd a \\\\ b\\nc \"d\"\n# TYPE odd gauge\n"
        + "odd{job=\"\\\"\\\\\\n\\\"\",uid=\"größer {a=\\\"b\\\",} #\r\\n\"} 1\n")
  }

  @Test("a histogram has a line for each bucket, which holds the smaller ones, and the sum and count of all")
  func histogram() {
    var waits = Histogram(bounds: [0.1, 1, 2.5])
    for wait in [0.05, 0.1, 0.5, 1, 2, 7] { waits.observe(wait) }
    #expect(waits.cumulativeCounts == [2, 4, 5, 6])
    var text = MetricsText(common: [MetricLabel("job", "j")])
    text.add(Self.times, waits, [MetricLabel("uid", "a")])
    #expect(
      text.text(in: [Self.times]) == """
        # HELP wait_seconds Waits
        # TYPE wait_seconds histogram
        wait_seconds_bucket{job="j",uid="a",le="0.1"} 2
        wait_seconds_bucket{job="j",uid="a",le="1"} 4
        wait_seconds_bucket{job="j",uid="a",le="2.5"} 5
        wait_seconds_bucket{job="j",uid="a",le="+Inf"} 6
        wait_seconds_sum{job="j",uid="a"} 10.65
        wait_seconds_count{job="j",uid="a"} 6

        """)
  }

  @Test("an empty histogram has its buckets, with nothing in them")
  func emptyHistogram() {
    var text = MetricsText()
    text.add(Self.times, Histogram(bounds: [1]))
    let lines = text.text(in: [Self.times]).split(separator: "\n").dropFirst(2)
    #expect(
      Array(lines) == [
        "wait_seconds_bucket{le=\"1\"} 0", "wait_seconds_bucket{le=\"+Inf\"} 0", "wait_seconds_sum 0",
        "wait_seconds_count 0",
      ])
  }

  @Test("Prometheus's own parser reads every sample as it was given, with whatever text in its labels")
  func parsed() throws {
    var generator = SeededGenerator()
    let pieces = ["a", "\\", "\"", "\n", "}", "{", ",", "=", " ", "é", "🙂", "\\n", "#", "\t", "\u{2028}", "0"]
    func text() -> String {
      (0..<Int.random(in: 0..<6, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
    }
    let families = [
      MetricFamily("first_total", .counter, "one \\ and \n two"), MetricFamily("second", .gauge, "\"quoted\""),
      MetricFamily("third", .histogram, ""),
    ]
    let common = MetricLabel("job_name", text())
    var metrics = MetricsText(common: [common])
    // Each line: name, labels and value as JSON.
    var expected: [String] = []
    func expect(_ name: String, _ labels: [MetricLabel], _ value: Double) {
      let members = ([common] + labels).sorted { $0.name < $1.name }.map { [$0.name, $0.value] }
      expected.append(python([name] + members.flatMap { $0 }) + " \(value)")
    }
    for number in 0..<60 {
      let labels = [MetricLabel("uid", text()), MetricLabel("number", "\(number)")]
      switch number % 3 {
      case 0:
        let value = Int.random(in: 0..<1 << 50, using: &generator)
        metrics.add(families[0], value, labels)
        expect("first_total", labels, Double(value))
      case 1:
        let value = [Double.random(in: -1e9...1e9, using: &generator), .infinity, -.infinity, 1e300, 1e-300]
          .randomElement(using: &generator)
        metrics.add(families[1], value ?? 0, labels)
        expect("second", labels, value ?? 0)
      default:
        var histogram = Histogram(bounds: [0.25, 4])
        let value = Double.random(in: 0..<8, using: &generator)
        histogram.observe(value)
        metrics.add(families[2], histogram, labels)
        for (bound, count) in [("0.25", value <= 0.25), ("4.0", value <= 4), ("+Inf", true)] {
          expect("third_bucket", labels + [MetricLabel("le", bound)], count ? 1 : 0)
        }
        expect("third_sum", labels, value)
        expect("third_count", labels, 1)
      }
    }
    let parsed = TestProcess.python(
      """
      import sys
      from prometheus_client.parser import text_string_to_metric_families as families
      shown = lambda value: {float('inf'): 'inf', float('-inf'): '-inf'}.get(value, repr(value))
      for family in families(sys.stdin.buffer.read().decode()):
          for sample in family.samples:
              labels = dict(sample.labels)
              if 'le' in labels: labels['le'] = '+Inf' if labels['le'] == '+Inf' else str(float(labels['le']))
              words = [sample.name] + [text for label in sorted(labels.items()) for text in label]
              print(','.join('-'.join(str(ord(c)) for c in word) for word in words), float(sample.value).hex())
      """, input: metrics.text(in: families))
    try #require(parsed.status == 0, "install prometheus_client (Tests/run.sh does): \(parsed.errors)")
    let found = parsed.output.split(separator: "\n").map { line -> String in
      let parts = line.split(separator: " ")
      return "\(parts[0]) \(Double(String(parts[1])) ?? .nan)"
    }
    #expect(found.sorted() == expected.sorted(), "\(generator)")
    #expect(found.count == 20 + 20 + 20 * 5)
  }

  /// Texts as their characters' numbers.
  private func python(_ words: [String]) -> String {
    words.map { $0.unicodeScalars.map { "\($0.value)" }.joined(separator: "-") }.joined(separator: ",")
  }
}
