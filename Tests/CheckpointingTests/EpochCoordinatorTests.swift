import Base
import Checkpointing
import TestSupport
import Testing

@Suite("The coordinator of epochs")
struct EpochCoordinatorTests {
  typealias Member = EpochCoordinator.Member
  typealias Event = EpochCoordinator.Event
  typealias Action = EpochCoordinator.Action

  static let source = Member("source", 0)
  static let sink = Member("sink", 0)

  private static func make(
    _ members: Set<Member> = [source, sink], sinks: Set<Member> = [sink], timeout: Int64 = 50
  ) -> EpochCoordinator {
    EpochCoordinator(
      members: members, sinks: sinks, first: Epoch(7), options: .init(interval: 100, timeout: timeout),
      now: MonotonicTime(nanoseconds: 0))
  }

  /// A coordinator with what it was told and what it asked for, and what must hold whatever it is told.
  struct Observed: Hashable {
    var coordinator: EpochCoordinator
    var time: Int64 = 0
    private(set) var current: UInt64?
    private var last: UInt64 = 6
    private var acknowledged: Set<Member> = []
    private var ended: Set<Member> = []
    private var isPublishing = false
    private var isPublished = false
    private var committed: Set<Member> = []
    private(set) var isFinished = false
    private let members: Set<Member>
    private let sinks: Set<Member>

    init(_ coordinator: EpochCoordinator, members: Set<Member> = [source, sink], sinks: Set<Member> = [sink]) {
      self.coordinator = coordinator
      self.members = members
      self.sinks = sinks
    }

    static let source = EpochCoordinatorTests.source
    static let sink = EpochCoordinatorTests.sink

    @discardableResult
    mutating func tell(_ event: Event) -> [Action] {
      switch event {
      case .acknowledged(let epoch, let member):
        if epoch.number == current { acknowledged.insert(member) }
      case .ended(let member): ended.insert(member)
      case .committed(let epoch, let member):
        if epoch.number == current, isPublished { committed.insert(member) }
      default: break
      }
      let actions = coordinator.handle(event, now: MonotonicTime(nanoseconds: time))
      for action in actions { see(action) }
      return actions
    }

    private mutating func see(_ action: Action) {
      #expect(!isFinished, "nothing is asked for behind the end: \(action)")
      switch action {
      case .begin(let epoch, _, _):
        #expect(current == nil, "one epoch is under way at a time")
        #expect(epoch.number > last, "a number is never used again")
        (current, last, isPublished) = (epoch.number, epoch.number, false)
        (acknowledged, committed) = ([], [])
      case .publish(let epoch, _):
        #expect(epoch.number == current && !isPublishing)
        #expect(acknowledged.union(ended).isSuperset(of: members), "every part is there")
        isPublishing = true
      case .abort(let epoch, let reason):
        #expect(epoch.number == current && !isPublished, "what is complete is never given up")
        #expect(!isPublishing || reason == .publication)
        (current, isPublishing) = (nil, false)
      case .commit(let epoch):
        #expect(epoch.number == current && isPublishing, "sinks commit what was published")
        (isPublishing, isPublished) = (false, true)
      case .done(let epoch, _):
        #expect(epoch.number == current && isPublished)
        #expect(committed.isSuperset(of: sinks), "every sink has committed")
        current = nil
      case .finish: isFinished = true
      }
    }

    /// Whether the permit is given just when it may be used.
    mutating func takePermit(_ epoch: Epoch) -> Bool {
      guard let permit = coordinator.permit(epoch) else { return false }
      #expect(permit.epoch == epoch && isPublishing)
      return true
    }
  }

  private func expect(
    _ observed: inout Observed, _ event: Event, _ expected: [Action], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let actions = observed.tell(event)
    #expect(actions == expected, sourceLocation: sourceLocation)
  }

  private func expectPermit(
    _ observed: inout Observed, _ number: UInt64, _ isGiven: Bool = true,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let given = observed.takePermit(Epoch(number))
    #expect(given == isGiven, sourceLocation: sourceLocation)
  }

  @Test("an epoch goes from its start over all parts, its publication and its sinks to the next one")
  func regular() {
    var observed = Observed(Self.make())
    observed.time = 99
    expect(&observed, .tick, [])
    #expect(observed.coordinator.wakeTime == MonotonicTime(nanoseconds: 100))
    observed.time = 100
    let epoch = Epoch(7)
    expect(&observed, .tick, [.begin(epoch, .checkpoint, isLast: false)])
    #expect(observed.coordinator.missing == [Self.sink, Self.source])
    expect(&observed, .acknowledged(epoch, Self.source), [])
    expectPermit(&observed, 7, false)
    expect(&observed, .acknowledged(epoch, Self.sink), [.publish(epoch, .checkpoint)])
    expectPermit(&observed, 8, false)
    expectPermit(&observed, 7)
    expectPermit(&observed, 7, false)
    expect(&observed, .published(epoch), [.commit(epoch)])
    observed.time = 250
    expect(&observed, .tick, [])
    expect(
      &observed, .committed(epoch, Self.sink),
      [.done(epoch, .checkpoint), .begin(Epoch(8), .checkpoint, isLast: false)])
    #expect(observed.coordinator.completed == 1 && observed.coordinator.aborted == 0)
  }

  @Test("an epoch that takes too long is given up, and the next one has another number")
  func timeout() {
    var observed = Observed(Self.make())
    observed.time = 100
    observed.tell(.tick)
    observed.tell(.acknowledged(Epoch(7), Self.source))
    observed.time = 150
    expect(&observed, .tick, [.abort(Epoch(7), .timeout)])
    expect(&observed, .acknowledged(Epoch(7), Self.sink), [])
    observed.time = 250
    expect(&observed, .tick, [.begin(Epoch(8), .checkpoint, isLast: false)])
    #expect(observed.coordinator.aborted == 1)
  }

  @Test("when all have ended, one more epoch is taken of their last parts, again if it cannot be published")
  func final() {
    var observed = Observed(Self.make())
    observed.time = 10
    expect(&observed, .ended(Self.source), [])
    expect(&observed, .ended(Self.sink), [.begin(Epoch(7), .final, isLast: true), .publish(Epoch(7), .final)])
    expectPermit(&observed, 7)
    expect(&observed, .publicationFailed(Epoch(7)), [.abort(Epoch(7), .publication)])
    observed.time = 110
    expect(&observed, .tick, [.begin(Epoch(8), .final, isLast: true), .publish(Epoch(8), .final)])
    expectPermit(&observed, 8)
    expect(&observed, .published(Epoch(8)), [.commit(Epoch(8))])
    expect(&observed, .committed(Epoch(8), Self.sink), [.done(Epoch(8), .final), .finish])
    #expect(observed.coordinator.isFinished && observed.coordinator.wakeTime == nil)
    observed.time = 1000
    expect(&observed, .tick, [])
  }

  @Test("a savepoint is taken at once, and again until it is complete; a stop ends with an epoch that began for it")
  func savepointAndStop() {
    var observed = Observed(Self.make())
    observed.time = 10
    expect(&observed, .savepointWanted, [.begin(Epoch(7), .savepoint, isLast: false)])
    observed.time = 60
    expect(&observed, .tick, [.abort(Epoch(7), .timeout)])
    observed.time = 160
    expect(&observed, .tick, [.begin(Epoch(8), .savepoint, isLast: false)])
    expect(&observed, .stopWanted, [])
    observed.tell(.acknowledged(Epoch(8), Self.source))
    observed.tell(.acknowledged(Epoch(8), Self.sink))
    expectPermit(&observed, 8)
    observed.tell(.published(Epoch(8)))
    expect(
      &observed, .committed(Epoch(8), Self.sink),
      [.done(Epoch(8), .savepoint), .begin(Epoch(9), .checkpoint, isLast: true)])
    observed.tell(.acknowledged(Epoch(9), Self.source))
    observed.tell(.acknowledged(Epoch(9), Self.sink))
    expectPermit(&observed, 9)
    observed.tell(.published(Epoch(9)))
    expect(&observed, .committed(Epoch(9), Self.sink), [.done(Epoch(9), .checkpoint), .finish])
  }

  /// What can happen next; the publication's outcome only when it is under way.
  private static func events(_ observed: Observed) -> [Event] {
    var events: [Event] = [.tick, .savepointWanted, .stopWanted, .ended(source), .ended(sink)]
    guard let number = observed.current else { return events }
    let epoch = Epoch(number)
    events += [.failed(epoch), .failed(Epoch(number - 1)), .acknowledged(Epoch(number - 1), source)]
    events += [.acknowledged(epoch, source), .acknowledged(epoch, sink), .committed(epoch, sink)]
    return events
  }

  @Test("whatever is told in whatever order, no rule is broken: every history of up to seven events")
  func everyHistory() {
    var states: Set<Observed> = [Observed(Self.make(timeout: 250))]
    var seen = states
    for _ in 0..<7 {
      var next: Set<Observed> = []
      for state in states {
        for event in Self.events(state) {
          for step in [Int64(0), 100] {
            var changed = state
            changed.time += step
            changed.tell(event)
            // A publication has one of two ends.
            if let number = changed.current, changed.takePermit(Epoch(number)) {
              var failed = changed
              failed.tell(.publicationFailed(Epoch(number)))
              next.insert(failed)
              changed.tell(.published(Epoch(number)))
            }
            next.insert(changed)
          }
        }
      }
      states = next.subtracting(seen)
      seen.formUnion(states)
    }
    #expect(seen.count > 1000)
  }

  @Test("whatever went wrong, once faults stop the next epoch is completed")
  func liveness() {
    var generator = SeededGenerator()
    for _ in 0..<500 {
      var observed = Observed(Self.make(timeout: 250))
      for _ in 0..<Int.random(in: 0...20, using: &generator) {
        observed.time += Int64.random(in: 0...120, using: &generator)
        observed.tell(Self.events(observed).randomElement(using: &generator)!)
        if let number = observed.current, observed.takePermit(Epoch(number)) {
          observed.tell(Bool.random(using: &generator) ? .published(Epoch(number)) : .publicationFailed(Epoch(number)))
        }
      }
      let before = observed.coordinator.completed
      var rounds = 0
      while observed.coordinator.completed == before, !observed.isFinished, rounds < 10 {
        rounds += 1
        observed.time += 500
        observed.tell(.tick)
        for member in [Self.source, Self.sink] {
          if let number = observed.current { observed.tell(.acknowledged(Epoch(number), member)) }
        }
        if let number = observed.current, observed.takePermit(Epoch(number)) {
          observed.tell(.published(Epoch(number)))
        }
        if let number = observed.current { observed.tell(.committed(Epoch(number), Self.sink)) }
      }
      #expect(rounds < 10, "no epoch is completed any more; \(generator)")
    }
  }
}
