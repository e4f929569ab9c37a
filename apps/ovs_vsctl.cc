#include "cli/vsctl/program.h"

namespace weft::apps {

int ovs_vsctl(int argc, char** argv) {
    return cli::vsctl::run(argc, argv);
}

}  // namespace weft::apps
