import Glibc
import TestSupport
import Testing
import VolleyPlan
import VolleyTesting

/// What an author's tests use, with the host that was built beside these.
@Suite("A pipeline's own test") struct PipelineTestTests {
  /// The host is named by the environment, as in an author's CI.
  private static let hostIsNamed: Void = { setenv("VOLLEY_HOST", HostProgram.path, 1) }()

  init() { Self.hostIsNamed }

  private func test(_ pipeline: PeerPipeline, _ deed: PeerPipeline.Deed = .none) -> PipelineTest {
    PipelineTest(PeerPipeline.plugin).set("plan", pipeline.planPath).set("deed", deed.rawValue)
  }

  @Test("gets the rows of a run that ends")
  func ends() throws {
    let pipeline = PeerPipeline.acting(from: .numbers(), to: .blackhole)
    let result = try test(pipeline).feed("in", rows: [["n": 3], ["n": nil]]).run(collecting: "out")
    #expect(try result.rows(at: "out") == [["n": 3], ["n": nil]])
  }

  @Test("learns how a run failed")
  func fails() {
    let pipeline = PeerPipeline.acting(from: .numbers(3), to: .blackhole)
    let failure = #expect(throws: PipelineTestFailure.self) { try test(pipeline, .fail).run() }
    #expect(failure?.status == 65)
    #expect(failure?.description.contains("the price is negative") == true)
  }

  @Test("ends a run that takes too long, in order if it can")
  func hangs() {
    let pipeline = PeerPipeline.straight(from: .numbers(rate: 10), to: .blackhole)
    let failure = #expect(throws: PipelineTestFailure.self) { try test(pipeline).within(.milliseconds(1)).run() }
    #expect(failure?.status == nil)
    #expect(failure?.description.contains("was ended because it took longer than") == true)
  }
}
