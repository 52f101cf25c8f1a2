import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

@Suite("Panes of sliding windows")
struct SlidingPaneTests {
  @Test("a slide has two panes at most, also where the size is no multiple of it")
  func count() throws {
    for (size, slide) in [(10_000_000, 3_333_333), (10_000_000, 2_500_000), (7, 5), (7, 7), (5, 4), (3, 2)]
      as [(Int64, Int64)]
    {
      for offset in [0, 1, -3, 2_000_000] as [Int64] {
        var series = try #require(try WindowSeries(.sliding(.init(size: size, slide: slide, offset: offset))))
        let times = slide < 100 ? Array(-3 * slide..<3 * slide) : (0..<6_000).map { $0 * slide / 1_000 - 3 * slide }
        let panes = times.map { series.pane(at: $0) }
        for (time, pane) in zip(times, panes) {
          #expect(pane.contains(time))
          // No window begins or ends inside a pane.
          #expect(WindowSpan.floor(pane.start - offset, slide) == WindowSpan.floor(pane.end - 1 - offset, slide))
          #expect(
            WindowSpan.floor(pane.start - offset - size, slide) == WindowSpan.floor(pane.end - 1 - offset - size, slide)
          )
        }
        #expect(Set(panes).count <= (size % slide == 0 ? 7 : 14), "\(size) by \(slide) from \(offset)")
      }
    }
  }

  @Test("windows are those of a model, whatever size and slide have in common, with late rows")
  func model() throws {
    var random = SeededGenerator()
    for _ in 0..<60 {
      let slide = Int64.random(in: 1...40, using: &random)
      let size = slide + Int64.random(in: 0...120, using: &random)
      let offset = Int64.random(in: -50...50, using: &random)
      let run = try WindowRun(.sliding(.init(size: size, slide: slide, offset: offset)))
      var expected: [WindowSpan: [Int64: (n: Int, s: Int64)]] = [:]
      var (watermark, dropped) = (Int64.min, 0)
      var latest: Int64 = -200
      for _ in 0..<40 {
        let rows = (0..<Int.random(in: 1...8, using: &random)).map { _ -> WindowRun.Row in
          latest += Int64.random(in: 0...9, using: &random)
          return (
            Int64.random(in: 0..<4, using: &random), Int64.random(in: 0..<100, using: &random),
            latest - Int64.random(in: 0...60, using: &random)
          )
        }
        try run.operation.process(WindowRun.batch(rows), input: 0, to: run)
        for row in rows {
          var start = WindowSpan.floor(row.t - offset, slide) * slide + offset
          if start + size <= watermark { dropped += 1 }
          while start + size > row.t, start + size > watermark {
            let former = expected[WindowSpan(start: start, end: start + size)]?[row.k ?? 0] ?? (0, 0)
            expected[WindowSpan(start: start, end: start + size), default: [:]][row.k ?? 0] =
              (former.n + 1, former.s + row.v)
            start -= slide
          }
        }
        if Bool.random(using: &random) {
          watermark = max(watermark, latest - 40)
          try run.watermark(watermark)
        }
      }
      try run.finish()
      let rows = expected.flatMap { span, keys in
        keys.map { "\($0.key) \(span.start) \(span.end) \($0.value.n) \($0.value.s)" }
      }
      #expect(run.takeRows().sorted() == rows.sorted(), "\(size) by \(slide) from \(offset), \(random)")
      #expect(run.metrics.counts.lateRowsDropped == dropped, "\(size) by \(slide) from \(offset), \(random)")
    }
  }
}

extension WindowSpan {
  static func floor(_ time: Int64, _ length: Int64) -> Int64 {
    time / length - (time % length < 0 ? 1 : 0)
  }
}
