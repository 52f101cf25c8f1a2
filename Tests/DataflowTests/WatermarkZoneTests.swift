import Testing

@testable import Dataflow

struct WatermarkZoneTests {
  /// A chain of steps, each of which gives its rows to some of the later ones and to outputs.
  private struct Chain {
    var entry: [JobGraph.Target]
    var steps: [[JobGraph.Target]]
    var makers: Set<Int>
    var outputCount: Int

    var zones: [WatermarkZone] {
      WatermarkZone.zones(entry: entry, steps: steps, makers: makers, outputCount: outputCount)
    }

    /// Whether a watermark of that origin comes to the target: walks every path.
    func reaches(_ target: JobGraph.Target, from origin: WatermarkZone.Origin) -> Bool {
      var open: [JobGraph.Target]
      switch origin {
      case .head: open = entry
      case .step(let index): open = steps[index]
      }
      while let next = open.popLast() {
        if next == target { return true }
        if case .step(let index, _) = next, !makers.contains(index) { open += steps[index] }
      }
      return false
    }

    var origins: [WatermarkZone.Origin] { [.head] + makers.sorted().map { .step($0) } }
  }

  /// Every chain of `count` steps with one output, the head at every set of targets.
  private static func chains(of count: Int) -> [Chain] {
    func targets(behind step: Int) -> [[JobGraph.Target]] {
      let all = ((step + 1)..<count).map { JobGraph.Target.step(index: $0, input: 0) } + [.output(0)]
      return (0..<1 << all.count).map { bits in all.indices.filter { bits >> $0 & 1 == 1 }.map { all[$0] } }
    }
    var partial: [[[JobGraph.Target]]] = [[]]
    for step in -1..<count {
      partial = partial.flatMap { list in targets(behind: step).map { list + [$0] } }
    }
    return partial.flatMap { list in
      (0..<1 << count).map { bits in
        Chain(
          entry: list[0], steps: Array(list[1...]), makers: Set((0..<count).filter { bits >> $0 & 1 == 1 }),
          outputCount: 1)
      }
    }
  }

  @Test("in every chain of up to three steps each step and output stands in the zone of just the origins that reach it")
  func everyChain() {
    for count in 0...3 {
      for chain in Self.chains(of: count) {
        let zones = chain.zones
        let targets = (0..<count).map { JobGraph.Target.step(index: $0, input: 0) } + [.output(0)]
        for target in targets {
          let expected = chain.origins.filter { chain.reaches(target, from: $0) }
          let found = zones.filter { zone in
            switch target {
            case .step(let index, _): zone.steps.contains(index)
            case .output(let index): zone.outputs.contains(index)
            }
          }
          #expect(found.map(\.origins) == (expected.isEmpty ? [] : [expected]), "\(chain)")
        }
        checkOrder(zones, chain)
      }
    }
  }

  /// Steps in order; and no rows flow back to an earlier zone that shares an origin, but behind a step with its own watermarks.
  private func checkOrder(_ zones: [WatermarkZone], _ chain: Chain) {
    for (position, zone) in zones.enumerated() {
      #expect(zone.steps == zone.steps.sorted(), "\(chain)")
      for step in zone.steps where !chain.makers.contains(step) {
        for case .step(let next, _) in chain.steps[step] {
          let other = zones.firstIndex { $0.steps.contains(next) }
          #expect(other.map { $0 >= position } == true, "\(chain)")
        }
      }
    }
  }

  @Test("behind a step that makes watermarks, up to and including the next one, its own count")
  func makers() {
    let chain = Chain(
      entry: [.step(index: 0, input: 0), .output(1)],
      steps: [[.step(index: 1, input: 0)], [.step(index: 2, input: 0), .output(0)], [.step(index: 3, input: 0)], []],
      makers: [0, 2], outputCount: 2)
    #expect(
      chain.zones == [
        WatermarkZone(origins: [.head], steps: [0], outputs: [1]),
        WatermarkZone(origins: [.step(0)], steps: [1, 2], outputs: [0]),
        WatermarkZone(origins: [.step(2)], steps: [3], outputs: []),
      ])
  }
}
