import Base
import Observability
import Testing

@testable import Dataflow

/// One subtask between channels, run by hand: one batch after the other, without threads.
final class ChainBench {
  let inputs: [LocalChannel]
  let outputs: [LocalChannel]
  let control = JobControl()
  let subtask: Subtask
  let context: ChainContext
  private let scheduler = Scheduler(threads: 1)

  /// - Parameters:
  ///   - operators: in topological order.
  ///   - inputOf: by channel, which input of the chain it feeds; the same input of all of `entry`.
  ///   - entry: who takes the rows of the channels; nil: the first operator.
  ///   - targets: by operator and output, who takes its rows; nil: each one's go to the next, the last one's to every output.
  ///   - outputCount: output channels; with `targets`, each is an output of the task.
  init(
    _ operators: [any Operator], inputOf: [Int] = [0], entry: [JobGraph.Target]? = nil,
    targets: [[[JobGraph.Target]]]? = nil, outputCount: Int = 1, outputLimit: Int = 1000,
    delay: Int64 = 0, waitingBytes: Int = 1 << 20, clock: ProcessingClock = .system
  ) throws {
    inputs = inputOf.map { _ in LocalChannel(elementLimit: 1000, byteLimit: 1 << 20) }
    outputs = (0..<outputCount).map { _ in LocalChannel(elementLimit: outputLimit, byteLimit: 1 << 20) }
    let context = ChainContext(account: OutputAccount(byteLimit: waitingBytes), clock: SubtaskClock(clock))
    self.context = context
    let channels = outputs.map {
      ChannelOutput(
        writer: $0, account: context.account,
        coalescer: BatchCoalescer(rowLimit: 1000, byteLimit: 1 << 20, delay: delay))
    }
    let edges = channels.map { EdgeOutput(routing: .single, channels: [$0]) }
    let taskOutputs =
      targets == nil
      ? [TaskOutput(edges: edges, context: context)] : edges.map { TaskOutput(edges: [$0], context: context) }
    let targets =
      targets
      ?? operators.indices.map { [[$0 + 1 < operators.count ? .step(index: $0 + 1, input: 0) : .output(0)]] }
    let entry = entry ?? [operators.isEmpty ? .output(0) : .step(index: 0, input: 0)]
    var nodes = [OperatorNode?](repeating: nil, count: operators.count)
    func chainTargets(_ targets: [JobGraph.Target], input: Int = 0) throws -> [ChainTarget] {
      try targets.map { target in
        switch target {
        case .output(let index): ChainTarget(node: taskOutputs[index], input: 0)
        case .step(let index, _): ChainTarget(node: try #require(nodes[index]), input: input)
        }
      }
    }
    for (index, body) in operators.enumerated().reversed() {
      nodes[index] = OperatorNode(
        stage: Stage(label: "step \(index)", uid: nil, metrics: StageMetrics()), body: body, context: context,
        targets: try targets[index].map { try chainTargets($0) })
    }
    let steps = nodes.compactMap { $0 }.map { Subtask.Step.operator($0) }
    let head = try (0...(inputOf.max() ?? 0)).map { try chainTargets(entry, input: $0) }
    let ports = zip(inputs, inputOf).map { InputGate.Port(reader: $0, input: $1) }
    let gate = InputGate(ports: ports, start: context.clock.reached)
    let watermarks = try ChainWatermarks(
      entry: [entry], steps: steps, targets: targets, channels: taskOutputs.map(\.channels))
    subtask = Subtask(
      name: "test", head: .channels(gate, head), steps: steps, stages: [],
      outputs: channels, context: context, watermarks: watermarks, control: control, batchRows: 1000)
    control.begin(parts: 1) {}
    for kind in OpenOrder.allCases { try subtask.open(kind) }
  }

  func put(_ element: StreamElement, on channel: Int = 0) {
    var bytes = 0
    if case .batch(let batch) = element { bytes = batch.byteCount }
    #expect(inputs[channel].offer(ChannelItem(element, byteCount: bytes, since: .now)))
  }

  /// Runs it until it waits or is done.
  func run() -> RunOutcome {
    while true {
      var budget = RunBudget(from: .now)
      let outcome = subtask.run(&budget)
      if case .yielded = outcome { continue }
      return outcome
    }
  }

  /// What has come out since the last call, one word an element.
  func output(_ index: Int = 0) -> [String] {
    var words: [String] = []
    while let item = outputs[index].take() {
      switch item.element {
      case .batch(let batch): words.append(Rows.ids(batch).map(String.init).joined(separator: ","))
      case .watermark(let time): words.append("w\(time.microseconds)")
      case .idle: words.append("idle")
      case .split(let change): words.append("\(change)")
      case .tick(let time): words.append("t\(time.microseconds)")
      case .barrier(let epoch): words.append("b\(epoch.number)")
      case .end: words.append("end")
      }
    }
    return words
  }
}
