import Testing

@testable import Host

@Suite struct TrapSearchPolicyTests {
  private func order(_ functions: String..., patience: Int) -> TrapSearchPolicy.Decision {
    .search(TrapSearchOrder(functions: functions, patience: patience))
  }

  @Test("a death in no call with records is not looked into, and the order stays while the worker still looked")
  func others() {
    var policy = TrapSearchPolicy()
    #expect(policy.decide(function: nil, state: .none, completedEpoch: true) == .none)
    #expect(policy.order == nil)
    #expect(policy.decide(function: "f", state: .none, completedEpoch: false) == order("f", patience: 1))
    #expect(policy.decide(function: nil, state: .running, completedEpoch: true) == .none)
    #expect(policy.order == TrapSearchOrder(functions: ["f"], patience: 1))
    #expect(policy.decide(function: nil, state: .over, completedEpoch: true) == .none)
    #expect(policy.order == nil)
  }

  @Test("what a copy does not die of is given up, until an epoch is complete")
  func vain() {
    for state in [TrapSearchState.running, .vain] {
      var policy = TrapSearchPolicy()
      #expect(policy.decide(function: "f", state: .none, completedEpoch: false) == order("f", patience: 1))
      #expect(policy.decide(function: "f", state: state, completedEpoch: false) == .vain)
      #expect(policy.order == nil)
      #expect(policy.decide(function: "f", state: .none, completedEpoch: false) == .vain)
      #expect(policy.decide(function: "f", state: .none, completedEpoch: true) == order("f", patience: 2))
    }
  }

  @Test("a second function joins the first; one that was found looks longer each time it comes again")
  func several() {
    var policy = TrapSearchPolicy()
    #expect(policy.decide(function: "f", state: .none, completedEpoch: false) == order("f", patience: 1))
    #expect(policy.decide(function: "g", state: .running, completedEpoch: false) == order("f", "g", patience: 2))
    #expect(policy.decide(function: "f", state: .over, completedEpoch: true) == order("f", patience: 4))
    var last = 4
    for _ in 0..<20 {
      last = min(last * 2, 1024)
      #expect(policy.decide(function: "f", state: .over, completedEpoch: true) == order("f", patience: last))
    }
  }

  /// Whatever workers do, searches that are not counted as deaths end: without a complete epoch each function has at most one.
  @Test("every history of up to six deaths without a complete epoch: each function is looked for at most once")
  func bounded() {
    let deaths: [(String?, TrapSearchState)] = [
      (nil, .running), ("f", .none), ("f", .running), ("f", .vain), ("g", .none), ("g", .running), ("g", .vain),
    ]
    func follow(_ policy: TrapSearchPolicy, _ searches: [String: Int], _ depth: Int) -> Int {
      guard depth > 0 else { return 1 }
      var count = 0
      for (function, state) in deaths {
        var (policy, searches) = (policy, searches)
        if case .search = policy.decide(function: function, state: state, completedEpoch: false), let function {
          searches[function, default: 0] += 1
        }
        #expect(searches.values.allSatisfy { $0 == 1 }, "\(searches)")
        count += follow(policy, searches, depth - 1)
      }
      return count
    }
    #expect(follow(TrapSearchPolicy(), [:], 6) == 7 * 7 * 7 * 7 * 7 * 7)
  }
}
