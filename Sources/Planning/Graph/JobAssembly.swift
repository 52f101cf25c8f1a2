import Arrow
import Base
import Dataflow
import Expressions
import Operators
import State
import VolleyPlan

extension ExecutionGraph {
  /// The graph as something that runs: operators are made when the job opens its subtasks.
  ///
  /// - Parameter code: makes the user functions that the plan names.
  public func jobGraph(code: any UserCode) throws(Failure) -> JobGraph { try assembled(code: code).graph }

  /// The graph as something that runs, and what its operators keep from one epoch to the next.
  public func assembled(code: any UserCode) throws(Failure) -> AssembledJob {
    var assembly = JobAssembly(graph: self, code: code)
    let graph = try assembly.assemble()
    return AssembledJob(graph: graph, states: assembly.states)
  }
}

/// What an execution graph runs as.
public struct AssembledJob {
  public let graph: JobGraph
  /// Of each operator with state, by uid, its tables.
  public let states: [String: [StateTable]]
}

/// Turns tasks of nodes into tasks of steps, and reads across tasks into edges.
private struct JobAssembly {
  let graph: ExecutionGraph
  let code: any UserCode

  /// Where the rows of an output of a node come from, within its task.
  private enum Port: Hashable {
    /// The task's head, by input.
    case head(input: Int)
    case step(index: Int, output: Int)
  }

  private struct Draft {
    var steps: [JobGraph.Step] = []
    var consumers: [Port: [JobGraph.Target]] = [:]
    var inputCount = 0
    var outputCount = 0
  }

  private var drafts: [Draft]
  /// By output of a node: the ports that give its rows. A union that heads a task has one a head input.
  private var ports: [Plan.Input: [Port]] = [:]
  private var edges: [JobGraph.Edge] = []
  /// The tasks behind those of the graph: of records that are given again.
  private var feeds: [JobGraph.Task] = []
  /// Of each operator with state, by uid.
  private(set) var states: [String: [StateTable]] = [:]

  init(graph: ExecutionGraph, code: any UserCode) {
    self.graph = graph
    self.code = code
    drafts = graph.tasks.map { _ in Draft() }
  }

  mutating func assemble() throws(Failure) -> JobGraph {
    for typed in graph.nodes { try add(typed) }
    var tasks: [JobGraph.Task] = []
    for (index, task) in graph.tasks.enumerated() {
      let draft = drafts[index]
      let head = self.head(of: task, inputCount: draft.inputCount)
      var steps = draft.steps
      for index in steps.indices {
        steps[index].outputs = steps[index].outputs.indices.map {
          draft.consumers[.step(index: index, output: $0)] ?? []
        }
      }
      let headCount = if case .inputs(let count) = head { count } else { 1 }
      tasks.append(
        JobGraph.Task(
          name: graph.taskName(task), parallelism: task.parallelism, head: head, steps: steps,
          entry: (0..<headCount).map { draft.consumers[.head(input: $0)] ?? [] }, outputCount: draft.outputCount))
    }
    return JobGraph(name: graph.name, tasks: tasks + feeds, edges: edges)
  }

  /// A new input of the task's head: the records that an operator set aside and is given again, beside those of its input.
  /// Empty when there are none.
  private mutating func feedPorts(of typed: TypedNode, _ place: StepPlace, task: Int) throws(Failure) -> [Port] {
    guard let paths = graph.feed(of: typed), let aside = place.quarantine else { return [] }
    let stream = place.inputs[0]
    let factory = try graph.feedSource(paths, aside, input: stream.schema, code: code)
    let name = ExecutionGraph.feedName(of: aside.uid)
    feeds.append(
      JobGraph.Task(
        name: name, parallelism: 1,
        head: .source(label: name, uid: name) { context throws(Failure) in try factory.make(context) }, steps: [],
        entry: [[.output(0)]], outputCount: 1))
    drafts.append(Draft())
    let (keys, maxKeyGroups) = (stream.keys, graph.options.maxKeyGroups)
    let exchange: JobGraph.Exchange =
      typed.planned.isKeyed ? .partition { KeyPartitioner(keys: keys, maxKeyGroups: maxKeyGroups) } : .rebalance
    return [
      // Their event times are old: the others say how far event time is.
      connect(
        from: drafts.count - 1, ports: [.head(input: 0)], to: task, exchange: exchange, schema: stream.schema,
        side: .live)
    ]
  }

  private func head(of task: ExecutionGraph.Task, inputCount: Int) -> JobGraph.Head {
    if let first = task.nodes.first, let typed = graph.byID[first], case .source = typed.node.operator,
      case .source(let make) = graph.endpoints[first]?.make
    {
      let uid = typed.node.stableName
      return .source(label: "source \(uid)", uid: uid) { context throws(Failure) in
        try make(UserCodePlace(uid: uid, subtask: context))
      }
    }
    return .inputs(count: inputCount)
  }

  private mutating func add(_ typed: TypedNode) throws(Failure) {
    let node = typed.node
    guard let task = graph.taskOf[node.id] else { preconditionFailure("every node has a task") }
    let own = Plan.Input(node: node.id)
    switch node.operator {
    case .source: ports[own] = [.head(input: 0)]
    case .union:
      var heads: [Port] = []
      for index in node.inputs.indices {
        let head = headPorts(of: typed, input: index, task: task)
        heads += relabelled(head, from: typed.inputs[index].schema, to: typed.outputs[0].schema, task: task)
      }
      ports[own] = heads
    case .keyBy(let keyBy):
      let computed = keyBy.keys.filter { !$0.isPlain }
      if computed.isEmpty {
        ports[own] = forwardPorts(of: typed, input: 0, task: task)
      } else {
        try add(PlannedExtend(columns: computed), typed, task)
      }
    case .batchFunction(let function): try addBatchFunction(function, typed, task)
    case .sink:
      guard case .sink(let make) = graph.endpoints[node.id]?.make else { preconditionFailure("a sink has an endpoint") }
      let uid = node.stableName
      let producers = forwardPorts(of: typed, input: 0, task: task)
      try add(
        typed, task, .sink { context throws(Failure) in try make(UserCodePlace(uid: uid, subtask: context)) },
        [producers])
    default:
      guard let step = typed.planned as? any PlannedStep else {
        preconditionFailure("a kind that is no step of its own is put together here")
      }
      try add(step, typed, task)
    }
  }

  /// Adds an operator behind each of its inputs.
  private mutating func add(_ step: any PlannedStep, _ typed: TypedNode, _ task: Int) throws(Failure) {
    var place = StepPlace(
      inputs: typed.inputs, wholeInputs: typed.wholeInputs, outputs: typed.outputs, name: typed.node.stableName,
      code: code, options: graph.options)
    var producers: [[Port]] = []
    if graph.combines(typed) {
      // What reads the columns runs where they are made.
      place.inputs = [graph.stream(typed.node.inputs[0])]
      producers = [[try combinedPort(of: typed, step.combiner(place), task: task)]]
      place.isCombined = true
    } else {
      for index in typed.node.inputs.indices {
        if !graph.travels(to: typed, input: index), !step.keepsRows {
          place.inputs[index] = graph.stream(typed.node.inputs[index])
        }
        switch step.arrival(ofInput: index) {
        case .forward, .gathered: producers.append(forwardPorts(of: typed, input: index, task: task))
        case .keyed: producers.append(keyedPorts(of: typed, input: index, as: place.inputs[index], task: task))
        case .keyedInPlace: producers.append(headPorts(of: typed, input: index, task: task))
        case .keyedEverywhere:
          producers.append([connect(typed, input: index, as: typed.inputs[index], to: task, exchange: .broadcast)])
        }
      }
    }
    let tables = try step.stateTables(place)
    // Without a uid it goes on by its place, as far as that is the same.
    if !tables.isEmpty, let uid = typed.node.uid { states[uid] = tables }
    place.quarantine = graph.quarantine(of: typed)
    if place.quarantine != nil { producers[0] += try feedPorts(of: typed, place, task: task) }
    let make = try step.maker(place)
    try add(
      typed, task, .operator({ context throws(Failure) in try SpillingKeys.around(context, make) }), producers,
      quarantine: place)
  }

  /// A new input of the task's head, of rows that are combined in the task that they come from.
  private mutating func combinedPort(of typed: TypedNode, _ combiner: Combiner, task: Int) -> Port {
    let input = typed.node.inputs[0]
    guard let from = graph.taskOf[input.node], let producers = ports[input] else {
      preconditionFailure("nodes are added after their inputs")
    }
    let index = addStep(
      "combine \(typed.node.stableName)", uid: nil, .operator(combiner.make), behind: [producers], task: from,
      outputCount: 1)
    let (keys, maxKeyGroups) = (combiner.keys, graph.options.maxKeyGroups)
    let exchange: JobGraph.Exchange =
      typed.planned.isKeyed ? .partition { KeyPartitioner(keys: keys, maxKeyGroups: maxKeyGroups) } : .rebalance
    return connect(
      from: from, ports: [.step(index: index, output: 0)], to: task, exchange: exchange, schema: combiner.schema)
  }

  /// Adds a step behind the ports of each of its inputs, and a sink behind it for the records that it sets aside.
  private mutating func add(
    _ typed: TypedNode, _ task: Int, _ body: JobGraph.Body, _ producers: [[Port]], quarantine place: StepPlace? = nil
  ) throws(Failure) {
    let count = typed.outputs.count
    let aside = place?.quarantine
    let index = addStep(
      typed.label, uid: typed.node.uid, body, behind: producers, task: task,
      outputCount: aside == nil ? count : count + 1)
    for output in typed.outputs.indices {
      ports[Plan.Input(node: typed.node.id, output: output)] = [.step(index: index, output: output)]
    }
    guard let place, let aside else { return }
    let factory = try graph.quarantineSink(aside, input: place.inputs[0].schema)
    _ = addStep(
      "quarantine \(aside.uid)", uid: nil, .sink { context throws(Failure) in try factory.make(context) },
      behind: [[.step(index: index, output: count)]], task: task, outputCount: 0)
  }

  /// The ports that feed an input: the producer's own when it is in the same task, else a new input of the task's head.
  private mutating func forwardPorts(of typed: TypedNode, input index: Int, task: Int) -> [Port] {
    let input = typed.node.inputs[index]
    if graph.taskOf[input.node] == task {
      guard let ports = ports[input] else { preconditionFailure("nodes are added after their inputs") }
      return ports
    }
    return headPorts(of: typed, input: index, task: task)
  }

  /// A new input of the task's head behind a channel that is partitioned by the key of the stream; the producer's own
  /// ports when it is in the same task, where rows of a key are together already.
  private mutating func keyedPorts(
    of typed: TypedNode, input index: Int, as stream: TypedStream, task: Int
  ) -> [Port] {
    if graph.taskOf[typed.node.inputs[index].node] == task {
      return sentPorts(of: typed, input: index, as: stream, task: task)
    }
    let (keys, maxKeyGroups) = (stream.keys, graph.options.maxKeyGroups)
    return [
      connect(
        typed, input: index, as: stream, to: task,
        exchange: graph.travels(to: typed, input: index)
          ? .partition { KeyPartitioner(keys: keys, maxKeyGroups: maxKeyGroups) } : .forward)
    ]
  }

  private mutating func headPorts(of typed: TypedNode, input index: Int, task: Int) -> [Port] {
    let from = graph.parallelism(of: typed.node.inputs[index].node)
    let to = graph.tasks[task].parallelism
    // A row and what takes it back go the same way.
    let isForward = from == to || keepsOrder(typed, to: to) || typed.inputs[index].isChangelog
    return [
      connect(
        typed, input: index, as: typed.inputs[index], to: task, exchange: isForward ? .forward : .rebalance)
    ]
  }

  /// Whether the inputs of a union go on subtask by subtask, so that the rows of each keep their order: unless somebody
  /// asked for more subtasks than any input has, and so for rows to be spread.
  private func keepsOrder(_ consumer: TypedNode, to parallelism: Int) -> Bool {
    guard case .union = consumer.node.operator else { return false }
    return consumer.node.inputs.contains { graph.parallelism(of: $0.node) >= parallelism }
  }

  /// Makes an input of a task's head out of what a node in another task gives, without the columns that `stream` does
  /// not have.
  private mutating func connect(
    _ typed: TypedNode, input index: Int, as stream: TypedStream, to task: Int, exchange: JobGraph.Exchange
  ) -> Port {
    let input = typed.node.inputs[index]
    guard let from = graph.taskOf[input.node] else { preconditionFailure("nodes are added after their inputs") }
    return connect(
      from: from, ports: sentPorts(of: typed, input: index, as: stream, task: from), to: task, exchange: exchange,
      schema: stream.schema, side: typed.planned.side(ofInput: index))
  }

  /// The ports of what a node of this task gives to an input, without the columns that `stream` does not have.
  private mutating func sentPorts(
    of typed: TypedNode, input index: Int, as stream: TypedStream, task: Int
  ) -> [Port] {
    let producers = narrowedPorts(of: typed.node.inputs[index], as: stream, task: task)
    guard let time = typed.planned.updateTime(ofInput: index, stream) else { return producers }
    // Before the rows of an update part.
    let step = addStep(
      "update times", uid: nil, .operator { _ in UpdateTimesOperator(time: time) }, behind: [producers], task: task,
      outputCount: 1)
    return [.step(index: step, output: 0)]
  }

  /// The ports of what a node of this task gives, or of a step behind them that leaves out the columns that `stream`
  /// does not have.
  private mutating func narrowedPorts(of input: Plan.Input, as stream: TypedStream, task: Int) -> [Port] {
    guard let producers = ports[input] else { preconditionFailure("nodes are added after their inputs") }
    let (given, read) = (graph.stream(input).schema, stream.schema)
    guard given.fields.count > read.fields.count else { return producers }
    let columns = read.fields.compactMap { given.index(of: $0.name) }
    precondition(columns.count == read.fields.count, "what is read is among what is given")
    let step = addStep(
      "columns", uid: nil, .operator { _ in NarrowOperator(columns: columns, output: read) }, behind: [producers],
      task: task, outputCount: 1)
    return [.step(index: step, output: 0)]
  }

  private mutating func connect(
    from: Int, ports: [Port], to task: Int, exchange: JobGraph.Exchange, schema: Schema,
    side: JobGraph.SideInput? = nil
  ) -> Port {
    let output = drafts[from].outputCount
    drafts[from].outputCount += 1
    for port in ports { drafts[from].consumers[port, default: []].append(.output(output)) }
    let head = drafts[task].inputCount
    drafts[task].inputCount += 1
    edges.append(
      JobGraph.Edge(
        from: from, output: output, to: task, input: head, exchange: exchange, schema: schema, side: side))
    return .head(input: head)
  }

  /// Adds a step behind ports of its task, by input.
  private mutating func addStep(
    _ label: String, uid: String?, _ body: JobGraph.Body, behind producers: [[Port]], task: Int, outputCount: Int
  ) -> Int {
    let index = drafts[task].steps.count
    drafts[task].steps.append(
      JobGraph.Step(label: label, uid: uid, body: body, outputs: [[JobGraph.Target]](repeating: [], count: outputCount))
    )
    for (input, ports) in producers.enumerated() {
      for port in ports { drafts[task].consumers[port, default: []].append(.step(index: index, input: input)) }
    }
    return index
  }

  /// Ports whose batches have the schema `output`, a selection of the columns of `input`: the producers' own, or a step
  /// behind them that hands the columns on as they are.
  private mutating func relabelled(
    _ producers: [Port], from input: Schema, to output: Schema, task: Int
  ) -> [Port] {
    if input == output { return producers }
    let index = addStep(
      "columns", uid: nil,
      .operator { _ throws(Failure) in
        try ProjectOperator(
          columns: output.fields.map { NamedExpression($0.name, .column($0.name)) }, input: input, output: output,
          functions: NoScalarFunctions())
      }, behind: [producers], task: task, outputCount: 1)
    return [.step(index: index, output: 0)]
  }

  private mutating func addBatchFunction(
    _ function: Plan.BatchFunction, _ typed: TypedNode, _ task: Int
  ) throws(Failure) {
    let (code, outputs) = (code, typed.outputs.map(\.schema))
    var producers = forwardPorts(of: typed, input: 0, task: task)
    var place = StepPlace(
      inputs: typed.inputs, wholeInputs: typed.wholeInputs, outputs: typed.outputs, name: typed.node.stableName,
      code: code, options: graph.options, quarantine: graph.quarantine(of: typed))
    var input = typed.inputs[0].schema
    if let columns = function.columns, columns.map(\.name) != input.fields.map(\.name) {
      // The function takes some of the columns: only those are gathered and cross the boundary.
      let taken = Schema(columns.map { column in input.fields.first { $0.name == column.name } ?? column })
      producers = relabelled(producers, from: input, to: taken, task: task)
      input = taken
    }
    place.inputs[0].schema = input
    producers += try feedPorts(of: typed, place, task: task)
    let made = place
    if let settings = function.async {
      return try add(
        typed, task,
        .operator { context throws(Failure) in
          let user = try code.makeAsyncFunction(
            function.function, input: made.inputs[0].schema, output: outputs[0],
            at: UserCodePlace(uid: made.name, subtask: context))
          return AsyncOperator(
            user, settings, columns: Array(made.inputs[0].schema.fields.indices), input: made.inputs[0].schema,
            output: outputs[0], context: context, quarantine: made.quarantine(in: context))
        }, [producers], quarantine: place)
    }
    try add(
      typed, task,
      .operator { context throws(Failure) in
        made.guarded(
          try code.makeBatchFunction(
            function.function, input: made.inputs[0].schema, outputs: outputs,
            at: UserCodePlace(uid: made.name, subtask: context)), in: context)
      }, [producers], quarantine: place)
  }
}
