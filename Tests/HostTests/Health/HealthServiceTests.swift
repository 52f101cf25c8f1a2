import Base
import Observability
import Testing

@testable import Host

@Suite struct HealthServiceTests {
  private func service(_ objection: String?, _ metrics: String?) -> HealthService {
    HealthService(objection: { objection }, metrics: { metrics })
  }

  private func plain(_ status: Int, _ body: String) -> HealthAnswer {
    HealthAnswer(status: status, contentType: "text/plain; charset=utf-8", body: body)
  }

  @Test("whoever answers lives, ready or not")
  func lives() {
    #expect(service(nil, "m").answer(to: "/healthz") == plain(200, "ok\n"))
    #expect(service("it is not there", nil).answer(to: "/healthz") == plain(200, "ok\n"))
  }

  @Test("what is not ready says why, on one line")
  func readiness() {
    #expect(service(nil, nil).answer(to: "/readyz") == plain(200, "ready\n"))
    #expect(service("a\nb", nil).answer(to: "/readyz") == plain(503, "not ready: a\\nb\n"))
  }

  @Test("metrics are as they are, or told to be none")
  func metrics() {
    #expect(
      service("x", "a 1\n").answer(to: "/metrics")
        == HealthAnswer(status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body: "a 1\n"))
    #expect(service("it begins", nil).answer(to: "/metrics") == plain(503, "no metrics: it begins\n"))
    #expect(service(nil, nil).answer(to: "/metrics") == plain(503, "no metrics: the job is just starting\n"))
  }

  @Test("between two workers there is an answer too")
  func between() {
    let service = HealthService(between: "the worker died")
    #expect(service.answer(to: "/healthz").status == 200)
    #expect(service.answer(to: "/readyz") == plain(503, "not ready: the worker died\n"))
    #expect(service.answer(to: "/metrics") == plain(503, "no metrics: the worker died\n"))
  }

  @Test("a query is passed over, and other paths are not there")
  func paths() {
    let service = service(nil, "m\n")
    #expect(service.answer(to: "/readyz?verbose").status == 200)
    #expect(service.answer(to: "/metrics?name[]=a").body == "m\n")
    for path in ["", "/", "/healthz/", "/healthzz", "/Healthz", "//healthz", "?", "/readyz/../healthz", "*"] {
      #expect(
        service.answer(to: path) == plain(404, "there is nothing here; ask for /healthz, /readyz, /metrics\n"),
        "\(path)")
    }
  }
}
