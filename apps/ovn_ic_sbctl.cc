#include "cli/ic_sbctl/program.h"

namespace weft::apps {

int ovn_ic_sbctl(int argc, char** argv) {
    return cli::ic_sbctl::run(argc, argv);
}

}  // namespace weft::apps
