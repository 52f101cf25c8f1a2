import Testing

@testable import Host

@Suite struct RestartPolicyTests {
  private static let limits = RestartLimits(
    restarts: 4, delay: .seconds(1), longestDelay: .seconds(5), resetAfter: .seconds(100), probationDeaths: 3)

  private func life(
    _ death: RestartPolicy.Death = .ordinary, replaced: Bool = false, epoch: Bool = false, seconds: Int = 1
  ) -> RestartPolicy.Life {
    RestartPolicy.Life(death: death, replacedPlugin: replaced, completedEpoch: epoch, duration: .seconds(seconds))
  }

  private func decisions(
    _ lives: [RestartPolicy.Life], _ limits: RestartLimits = limits
  ) -> [RestartPolicy.Decision] {
    var policy = RestartPolicy(limits)
    return lives.map { policy.decide($0) }
  }

  @Test("a job that dies is started again, each time after twice the wait, until the limit")
  func backOff() {
    #expect(
      decisions([life(), life(epoch: true), life(), life(), life()]) == [
        .restart(after: .seconds(1), number: 1), .restart(after: .seconds(2), number: 2),
        .restart(after: .seconds(4), number: 3), .restart(after: .seconds(5), number: 4), .giveUp(restarts: 4),
      ])
  }

  @Test("no restarts are allowed: the first death is the last")
  func noRestarts() {
    var limits = Self.limits
    limits.restarts = 0
    #expect(decisions([life()], limits) == [.giveUp(restarts: 0)])
  }

  @Test("a job that ran long and completed an epoch begins a new row of restarts")
  func newRow() {
    #expect(
      decisions([life(), life(), life(epoch: true, seconds: 100), life(seconds: 100), life(epoch: true, seconds: 99)])
        == [
          .restart(after: .seconds(1), number: 1), .restart(after: .seconds(2), number: 2),
          .restart(after: .seconds(1), number: 1), .restart(after: .seconds(2), number: 2),
          .restart(after: .seconds(4), number: 3),
        ])
  }

  @Test("what a restart does not mend ends the run, on probation too")
  func refused() {
    #expect(decisions([life(.refused)]) == [.end])
    #expect(decisions([life(.refused, replaced: true)]) == [.end])
    #expect(decisions([life(.certain)]) == [.end])
  }

  @Test("a plugin that replaced another and dies three times before its first epoch is returned")
  func returned() {
    for death in [RestartPolicy.Death.ordinary, .certain] {
      let new = life(death, replaced: true)
      #expect(
        decisions([new, new, new, life(), life()]) == [
          .restart(after: .seconds(1), number: 1), .restart(after: .seconds(2), number: 2),
          .returnToFormer(after: .seconds(4), deaths: 3),
          .restart(after: .seconds(1), number: 1), .restart(after: .seconds(2), number: 2),
        ])
    }
  }

  @Test("a plugin on probation is returned even where no restart is allowed")
  func returnedWithoutRestarts() {
    var limits = Self.limits
    limits.restarts = 0
    let new = life(replaced: true)
    #expect(decisions([new, new, new], limits).last == .returnToFormer(after: .seconds(4), deaths: 3))
  }

  @Test("a plugin that completed an epoch is not returned")
  func notReturned() {
    let new = life(replaced: true)
    let decisions = decisions([new, new, life(replaced: true, epoch: true), life(), life()])
    #expect(decisions.prefix(4).map { if case .restart = $0 { true } else { false } } == [true, true, true, true])
    #expect(decisions.last == .giveUp(restarts: 4))
  }

  /// A plugin's history in plain words: the deaths before the first epoch, then the others.
  @Test(
    "every history of up to six lives of a new plugin: it is returned after exactly three deaths before its first epoch"
  )
  func histories() {
    let kinds: [(RestartPolicy.Death, epoch: Bool, seconds: Int)] = [
      (.ordinary, false, 1), (.ordinary, true, 1), (.ordinary, true, 200), (.certain, false, 0),
      (.refused, false, 0),
    ]
    var count = 0
    for length in 1...6 {
      var choice = [Int](repeating: 0, count: length)
      while true {
        check(choice.map { kinds[$0] })
        count += 1
        guard let place = choice.lastIndex(where: { $0 < kinds.count - 1 }) else { break }
        choice[place] += 1
        for later in choice.indices.dropFirst(place + 1) { choice[later] = 0 }
      }
    }
    #expect(count == 5 + 25 + 125 + 625 + 3125 + 15625)
  }

  private func check(_ history: [(RestartPolicy.Death, epoch: Bool, seconds: Int)]) {
    var policy = RestartPolicy(Self.limits)
    // What the checkpoint says: once the new plugin has completed an epoch, it is the one that made it.
    var isReplacement = true
    var deathsBeforeEpoch = 0
    var row = 0
    for (death, epoch, seconds) in history {
      let decision = policy.decide(life(death, replaced: isReplacement, epoch: epoch, seconds: seconds))
      if epoch { isReplacement = false }
      if epoch && seconds >= 100 { row = 0 }
      if death == .refused {
        #expect(decision == .end)
        return
      }
      if isReplacement {
        deathsBeforeEpoch += 1
        if deathsBeforeEpoch == 3 {
          if case .returnToFormer(_, let deaths) = decision {
            #expect(deaths == 3)
          } else {
            Issue.record("\(decision)")
          }
          return
        }
      } else if death == .certain {
        #expect(decision == .end)
        return
      }
      if !isReplacement && row == 4 {
        #expect(decision == .giveUp(restarts: 4))
        return
      }
      #expect(decision == .restart(after: .seconds([1, 2, 4, 5, 5][row]), number: row + 1))
      row += 1
    }
  }
}
