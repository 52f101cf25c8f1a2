extension JobGraph {
  /// How many channels the graph has, at most: to share out memory. Counts one for each source and sink as well, which may
  /// turn out to need threads of their own.
  public var channelCount: Int {
    var count = 0
    for edge in edges {
      let senders = tasks[edge.from].parallelism
      switch edge.exchange {
      case .forward: count += senders
      case .rebalance, .partition, .broadcast: count += senders * tasks[edge.to].parallelism
      }
    }
    for task in tasks {
      if case .source = task.head { count += task.parallelism }
      for step in task.steps {
        if case .sink = step.body { count += task.parallelism }
      }
    }
    return count
  }

  /// Stops the process when the graph makes no sense: `Planning` makes only graphs that do.
  func check() {
    var fed = tasks.map { task -> [Bool] in
      if case .inputs(let count) = task.head { return [Bool](repeating: false, count: count) }
      return []
    }
    // By task: how many of its subtasks, from the first on, some edge leads to. A subtask without any would never end.
    var reached = tasks.map { _ in 0 }
    for edge in edges {
      precondition(tasks.indices.contains(edge.from) && tasks.indices.contains(edge.to), "an edge joins two tasks")
      precondition(
        (0..<tasks[edge.from].outputCount).contains(edge.output), "an edge leaves from an output of its task")
      precondition(fed[edge.to].indices.contains(edge.input), "an edge leads to an input of a task without a source")
      let receivers = tasks[edge.to].parallelism
      let own = if case .forward = edge.exchange { min(tasks[edge.from].parallelism, receivers) } else { receivers }
      reached[edge.to] = max(reached[edge.to], own)
      fed[edge.to][edge.input] = true
    }
    for (index, task) in tasks.enumerated() {
      precondition(task.parallelism > 0, "a task has a subtask")
      precondition(fed[index].allSatisfy { $0 }, "every input of a task is fed by an edge")
      precondition(fed[index].isEmpty || reached[index] == task.parallelism, "every subtask is fed by an edge")
      task.check()
    }
  }
}

extension JobGraph.Task {
  fileprivate func check() {
    switch head {
    case .source: precondition(entry.count == 1, "a source's entry is one list of targets")
    case .inputs(let count):
      precondition(count > 0 && entry.count == count, "a task's entry lists the targets of each input")
    }
    for targets in entry { check(targets, behind: -1) }
    for (index, step) in steps.enumerated() {
      if case .sink = step.body { precondition(step.outputs.isEmpty, "a sink has no outputs") }
      for targets in step.outputs { check(targets, behind: index) }
    }
  }

  private func check(_ targets: [JobGraph.Target], behind step: Int) {
    for target in targets {
      switch target {
      case .step(let index, _): precondition(index > step && index < steps.count, "a step's consumers stand behind it")
      case .output(let index):
        precondition((0..<outputCount).contains(index), "a target is an output that the task has")
      }
    }
  }
}
