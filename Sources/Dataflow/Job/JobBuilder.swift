import Base
import Observability

/// Makes what runs from a graph: instances, channels, subtasks.
struct JobBuilder {
  private let graph: JobGraph
  private let options: JobOptions
  private let stages: StageTable
  private let control: JobControl
  private let runtime: JobRuntime
  private let stateMemory: StateMemory
  private let alignments = AlignmentGroups()

  /// By edge, sender and receiver: the channel, where there is one.
  private var channels: [[[LocalChannel?]]] = []

  /// Makes every instance and opens none.
  static func build(
    _ graph: JobGraph, options: JobOptions, stages: StageTable, control: JobControl, scheduler: Scheduler
  ) throws(Failure) -> JobRuntime {
    var builder = JobBuilder(graph, options, stages, control, scheduler)
    builder.makeChannels()
    for task in graph.tasks.indices {
      for subtask in 0..<graph.tasks[task].parallelism { try builder.makeSubtask(task, subtask) }
    }
    return builder.runtime
  }

  private init(
    _ graph: JobGraph, _ options: JobOptions, _ stages: StageTable, _ control: JobControl, _ scheduler: Scheduler
  ) {
    self.graph = graph
    self.options = options
    self.stages = stages
    self.control = control
    stateMemory = StateMemory(limit: options.stateBytes)
    runtime = JobRuntime(
      scheduler: scheduler, control: control, epochs: options.checkpoints.map { JobEpochs($0) },
      stateMemory: stateMemory, stages: stages)
  }

  private func makeChannel() -> LocalChannel {
    LocalChannel(elementLimit: options.channelBatches, byteLimit: options.channelBytes)
  }

  private func makeCoalescer() -> BatchCoalescer {
    BatchCoalescer(
      rowLimit: options.batchRows, byteLimit: options.channelBytes, delay: options.batchDelay.wholeNanoseconds)
  }

  private mutating func makeChannels() {
    for edge in graph.edges {
      let senders = graph.tasks[edge.from].parallelism
      let receivers = graph.tasks[edge.to].parallelism
      channels.append(
        (0..<senders).map { sender in
          (0..<receivers).map { receiver in
            if case .forward = edge.exchange, sender % receivers != receiver { return nil }
            return makeChannel()
          }
        })
    }
  }

  private func makeSubtask(_ index: Int, _ number: Int) throws(Failure) {
    let task = graph.tasks[index]
    let chain = ChainContext(
      account: OutputAccount(byteLimit: options.waitingBytes), clock: SubtaskClock(options.clock),
      epoch: EpochCursor(runtime.epochs?.restored ?? Epoch(0)))
    var parts = Parts(task: task, index: index, number: number, chain: chain)
    makeOutputs(&parts)
    try makeSteps(&parts)
    let head = try makeHead(&parts)
    let steps: [Subtask.Step] = parts.steps.reversed()
    let watermarks = try ChainWatermarks(
      entry: task.entry, steps: steps, targets: task.steps.map(\.outputs), channels: parts.taskOutputs.map(\.channels),
      groups: alignments, hasSource: task.hasSource)
    let subtask = Subtask(
      name: task.name, head: head, steps: steps, stages: parts.stages, outputs: parts.outputs,
      context: chain, watermarks: watermarks, control: control, batchRows: options.batchRows, epochs: runtime.epochs)
    subtask.attach(to: runtime.scheduler)
    watermarks.attach(subtask)
    chain.notifier.attach(subtask)
    for writer in parts.writers { writer.attachWriter(subtask) }
    for reader in parts.readers { reader.attachReader(subtask) }
    runtime.subtasks.append(subtask)
  }

  /// What a subtask is put together from.
  private struct Parts {
    let task: JobGraph.Task
    let index: Int
    let number: Int
    let chain: ChainContext
    /// By output of the task.
    var taskOutputs: [TaskOutput] = []
    /// Every channel that it writes to.
    var outputs: [ChannelOutput] = []
    var writers: [LocalChannel] = []
    var readers: [LocalChannel] = []
    /// By step, from the last to the first.
    var steps: [Subtask.Step] = []
    /// By step; nil while it is not made.
    var nodes: [(any ChainNode)?] = []
    /// Stages that the subtask itself runs.
    var stages: [Stage] = []

    func targets(_ targets: [JobGraph.Target]) -> [ChainTarget] {
      targets.map { target in
        switch target {
        case .output(let index): return ChainTarget(node: taskOutputs[index], input: 0)
        case .step(let index, let input):
          guard let node = nodes[index] else { preconditionFailure("a step's consumers are made before it") }
          return ChainTarget(node: node, input: input)
        }
      }
    }
  }

  private func makeOutputs(_ parts: inout Parts) {
    for output in 0..<parts.task.outputCount {
      var edges: [EdgeOutput] = []
      for (edgeIndex, edge) in graph.edges.enumerated() where edge.from == parts.index && edge.output == output {
        let writers = channels[edgeIndex][parts.number].compactMap { $0 }
        let outputs = writers.map {
          ChannelOutput(writer: $0, account: parts.chain.account, coalescer: makeCoalescer())
        }
        parts.writers += writers
        parts.outputs += outputs
        edges.append(EdgeOutput(routing: routing(edge.exchange, targets: writers.count), channels: outputs))
      }
      parts.taskOutputs.append(TaskOutput(edges: edges, context: parts.chain))
    }
  }

  private func routing(_ exchange: JobGraph.Exchange, targets: Int) -> EdgeOutput.Routing {
    // With one target there is nothing to choose.
    if targets == 1 { return .single }
    switch exchange {
    case .forward: return .single
    case .rebalance: return .turn(next: 0)
    case .partition(let make): return .partition(make())
    case .broadcast: return .broadcast
    }
  }

  /// From the last to the first, because each step knows its consumers.
  private func makeSteps(_ parts: inout Parts) throws(Failure) {
    parts.nodes = [(any ChainNode)?](repeating: nil, count: parts.task.steps.count)
    for (index, step) in parts.task.steps.enumerated().reversed() {
      let entry = stages.firstEntry[parts.index] + index + (parts.task.hasSource ? 1 : 0)
      let stage = stages.stage(entry: entry, subtask: parts.number)
      let epochs = stages.epochs(runtime.epochs, entry: entry, subtask: parts.number)
      let place = SubtaskContext(
        id: SubtaskID(task: parts.index, index: parts.number), parallelism: parts.task.parallelism,
        metrics: stage.metrics, stateMemory: stateMemory, clock: parts.chain.clock, input: parts.chain.input,
        epoch: parts.chain.epoch, notifier: parts.chain.notifier)
      switch step.body {
      case .operator(let make):
        let body = try stage.made { () throws(Failure) in try make(place) }
        let node = OperatorNode(
          stage: stage, body: body, context: parts.chain, targets: step.outputs.map { parts.targets($0) },
          epochs: epochs)
        parts.nodes[index] = node
        parts.steps.append(.operator(node))
        parts.stages.append(stage)
      case .sink(let make):
        let body = try stage.made { () throws(Failure) in try make(place) }
        if body.blocks {
          let feed = makeSinkThread(&parts, stage, body, entry, epochs)
          parts.nodes[index] = feed
          parts.steps.append(.feed(feed))
        } else {
          let node = SinkNode(stage: stage, body: body, context: parts.chain, epochs: epochs)
          parts.nodes[index] = node
          parts.steps.append(.sink(node))
          parts.stages.append(stage)
        }
      }
    }
  }

  private func makeSinkThread(
    _ parts: inout Parts, _ stage: Stage, _ body: any Sink, _ entry: Int, _ epochs: StageEpochs?
  ) -> SinkFeed {
    let channel = makeChannel()
    let output = ChannelOutput(writer: channel, account: parts.chain.account, coalescer: makeCoalescer())
    parts.outputs.append(output)
    parts.writers.append(channel)
    runtime.inputs[entry][parts.number].append(channel)
    runtime.sinkThreads.append(SinkThread(stage: stage, body: body, reader: channel, control: control, epochs: epochs))
    return SinkFeed(output: output, context: parts.chain)
  }

  private func makeHead(_ parts: inout Parts) throws(Failure) -> Subtask.Head {
    let entry = parts.task.entry.map { parts.targets($0) }
    let firstEntry = stages.firstEntry[parts.index]
    guard case .source(_, _, let make) = parts.task.head else {
      let ports = ports(of: parts)
      parts.readers = ports.map(\.channel)
      if !parts.task.steps.isEmpty { runtime.inputs[firstEntry][parts.number] += parts.readers }
      let gate = InputGate(
        ports: ports.map { InputGate.Port(reader: $0.channel, input: $0.input, side: $0.side) },
        start: parts.chain.clock.reached)
      if gate.progress.awaitedChannels > 0 { runtime.epochs?.await(parts.task.name) }
      return .channels(gate, entry)
    }
    let stage = stages.stage(entry: firstEntry, subtask: parts.number)
    let place = SubtaskContext(
      id: SubtaskID(task: parts.index, index: parts.number), parallelism: parts.task.parallelism,
      metrics: stage.metrics, stateMemory: stateMemory, clock: SubtaskClock(options.clock),
      epoch: EpochCursor(runtime.epochs?.restored ?? Epoch(0)))
    let body = try stage.made { () throws(Failure) in try make(place) }
    let source = SourceControl(
      stage: stage, body: body, epochs: stages.epochs(runtime.epochs, entry: firstEntry, subtask: parts.number))
    if body.tellsSplits { parts.chain.input.expectSplits() }
    runtime.sources.append(source)
    guard body.blocks else {
      parts.stages.append(stage)
      return .source(source, entry[0])
    }
    let channel = makeChannel()
    parts.readers = [channel]
    if !parts.task.steps.isEmpty { runtime.inputs[firstEntry + 1][parts.number].append(channel) }
    runtime.sourceThreads.append(
      SourceThread(
        source: source, writer: channel, coalescer: makeCoalescer(), waitingBytes: options.waitingBytes,
        control: control, batchRows: options.batchRows, clock: SubtaskClock(options.clock)))
    let gate = InputGate(ports: [InputGate.Port(reader: channel, input: 0)], start: parts.chain.clock.reached)
    return .channels(gate, entry)
  }

  /// The channels that lead to a subtask, and to which of its inputs.
  private func ports(of parts: Parts) -> [(channel: LocalChannel, input: Int, side: JobGraph.SideInput?)] {
    var ports: [(channel: LocalChannel, input: Int, side: JobGraph.SideInput?)] = []
    for (edgeIndex, edge) in graph.edges.enumerated() where edge.to == parts.index {
      for sender in channels[edgeIndex] {
        if let channel = sender[parts.number] { ports.append((channel, edge.input, edge.side)) }
      }
    }
    return ports
  }
}

extension JobGraph.Task {
  fileprivate var hasSource: Bool {
    if case .source = head { return true }
    return false
  }
}

extension Stage {
  /// Makes the stage's instance; a failure gets its name.
  fileprivate func made<Instance>(_ make: () throws(Failure) -> Instance) throws(Failure) -> Instance {
    do throws(Failure) { return try call(make) } catch { throw error.within(place) }
  }
}
