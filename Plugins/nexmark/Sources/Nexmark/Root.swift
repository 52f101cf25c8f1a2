import Volley

@c(volley_plugin_root)
public func root() -> UnsafePointer<volley_plugin> {
  export(
    NexmarkQuery<AllEvents>.self, NexmarkQuery<Q0>.self, NexmarkQuery<Q1>.self, NexmarkQuery<Q2>.self,
    NexmarkQuery<Q3>.self, NexmarkQuery<Q4>.self, NexmarkQuery<Q5>.self, NexmarkQuery<Q6>.self, NexmarkQuery<Q7>.self,
    NexmarkQuery<Q8>.self, NexmarkQuery<Q9>.self, NexmarkQuery<Q10>.self, NexmarkQuery<Q11>.self,
    NexmarkQuery<Q12>.self, NexmarkQuery<Q13>.self, NexmarkQuery<Q14>.self, NexmarkQuery<Q15>.self,
    NexmarkQuery<Q16>.self, NexmarkQuery<Q17>.self, NexmarkQuery<Q18>.self, NexmarkQuery<Q19>.self,
    NexmarkQuery<Q20>.self, NexmarkQuery<Q21>.self, NexmarkQuery<Q22>.self,
    name: "nexmark", description: "the NEXMark benchmark: its generator and its queries")
}
