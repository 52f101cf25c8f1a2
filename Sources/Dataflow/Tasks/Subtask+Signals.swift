import Base

extension Subtask {
  /// Brings the first sweep one step further, or to its end.
  func advance(_ sweep: Sweep) throws(Failure) {
    context.since = context.now
    switch sweep {
    case .time(let signal, let origin):
      if try advance(signal, from: origin) { return }
    case .barrier(let epoch):
      if sweepStep < steps.count { return try barrier(epoch, at: steps[sweepStep]) }
      try broadcast(.barrier(epoch))
      context.epoch.reach(epoch)
    case .finish:
      watermarks.close()
      if sweepStep < steps.count { return try finish(steps[sweepStep]) }
      try broadcast(.end)
      isEnding = true
    case .resume:
      if sweepStep < steps.count {
        if case .operator(let node) = steps[sweepStep] { try node.resume() }
        sweepStep += 1
        return
      }
    }
    sweepStep = 0
    sweepZone = 0
    _ = sweeps.popFirst()
  }

  /// Brings the end to a step and, when that has given what it had to give, behind it: what an operator keeps goes with its end, and
  /// it may still read that as long as it gives.
  private func finish(_ step: Step) throws(Failure) {
    switch step {
    case .operator(let node):
      if !hasToldStep {
        hasToldStep = true
        return try node.finish()
      }
      hasToldStep = false
      node.end()
    case .sink(let node): try node.finish()
    case .feed: break
    }
    sweepStep += 1
  }

  /// Brings what an origin says one step further. False when it has gone through all zones that the origin reaches.
  private func advance(_ signal: TimeSignal, from origin: WatermarkZone.Origin) throws(Failure) -> Bool {
    guard sweepZone < watermarks.zoneCount(of: origin) else { return false }
    // What it means for a zone is asked when it comes there: until then, operators may give rows and become active by
    // that.
    let zone = zoneSweep ?? watermarks.apply(signal, of: origin, toZone: sweepZone)
    zoneSweep = zone
    if let time = zone.signal.watermark {
      if sweepStep < zone.steps.count {
        let step = steps[zone.steps[sweepStep]]
        sweepStep += 1
        try watermark(time, to: step)
        return true
      }
      for channel in zone.channels { try channel.signal(.watermark(time), now: context.now) }
    }
    if zone.signal.idle {
      for step in zone.steps { if case .operator(let node) = steps[step] { try node.input(isIdle: true) } }
      for channel in zone.channels { try channel.signal(.idle, now: context.now) }
    }
    zoneSweep = nil
    sweepStep = 0
    sweepZone += 1
    return true
  }

  private func watermark(_ time: EventTime, to step: Step) throws(Failure) {
    switch step {
    case .operator(let node): try node.watermark(time)
    case .sink(let node): node.watermark(time)
    case .feed(let node): try node.watermark(time)
    }
  }

  func broadcast(_ signal: StreamElement) throws(Failure) {
    for output in outputs { try output.signal(signal, now: context.now) }
  }
}
