/// A part of a chain with one watermark: all steps and outputs that the same origins of watermarks reach.
///
/// An origin is the chain's head, or an operator in it that makes watermarks. From there a watermark goes along the rows, up to
/// and including the next operators that make watermarks themselves: behind them, theirs counts. Where rows of several origins
/// meet, the watermark is the minimum over them.
struct WatermarkZone: Equatable {
  /// A place where watermarks come from.
  enum Origin: Hashable, Comparable {
    case head
    /// That step, which makes watermarks.
    case step(Int)
  }

  /// Those that reach it, in order; never empty.
  var origins: [Origin]
  /// In topological order.
  var steps: [Int] = []
  /// Outputs of the task.
  var outputs: [Int] = []

  /// The zones of a chain, ordered so that rows flow from earlier zones to later ones only, as far as a watermark of a common
  /// origin goes. Steps that nothing reaches are in none.
  ///
  /// - Parameters:
  ///   - entry: who takes the head's rows, of whatever input.
  ///   - steps: in topological order; who takes each one's rows, of whatever output.
  ///   - makers: the steps that make watermarks.
  static func zones(
    entry: [JobGraph.Target], steps: [[JobGraph.Target]], makers: Set<Int>, outputCount: Int
  ) -> [WatermarkZone] {
    var stepOrigins = [Set<Origin>](repeating: [], count: steps.count)
    var outputOrigins = [Set<Origin>](repeating: [], count: outputCount)
    func reach(_ targets: [JobGraph.Target], from origins: Set<Origin>) {
      for target in targets {
        switch target {
        case .step(let index, _): stepOrigins[index].formUnion(origins)
        case .output(let index): outputOrigins[index].formUnion(origins)
        }
      }
    }
    reach(entry, from: [.head])
    for (index, targets) in steps.enumerated() {
      reach(targets, from: makers.contains(index) ? [.step(index)] : stepOrigins[index])
    }
    var zones: [WatermarkZone] = []
    func zone(of origins: Set<Origin>) -> Int? {
      if origins.isEmpty { return nil }
      let sorted = origins.sorted()
      if let index = zones.firstIndex(where: { $0.origins == sorted }) { return index }
      zones.append(WatermarkZone(origins: sorted))
      return zones.count - 1
    }
    for (index, origins) in stepOrigins.enumerated() {
      if let zone = zone(of: origins) { zones[zone].steps.append(index) }
    }
    for (index, origins) in outputOrigins.enumerated() {
      if let zone = zone(of: origins) { zones[zone].outputs.append(index) }
    }
    // Behind a step, up to the next that makes watermarks, there are all of its origins and maybe more.
    return zones.enumerated().sorted { left, right in
      (left.element.origins.count, left.offset) < (right.element.origins.count, right.offset)
    }.map(\.element)
  }
}
