import Base
import Testing
import VolleyPlan

@testable import Planning

@Suite("Checks of windows")
struct WindowCheckTests {
  @Test("windows of more rows than 32 bits count are refused, however they slide")
  func longCounts() throws {
    let most = Int(Int32.max)
    for slide in [nil, 1, most] { try Plan.WindowAssigner.count(.init(size: most, slide: slide)).check() }
    for size in [most + 1, .max] {
      for slide in [nil, 1, size] {
        #expect {
          try Plan.WindowAssigner.count(.init(size: size, slide: slide)).check()
        } throws: {
          "\($0)".contains("at most 2147483647 rows")
        }
      }
    }
  }
}
