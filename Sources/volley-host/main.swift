import Glibc
import Host

exit(hostMain())
