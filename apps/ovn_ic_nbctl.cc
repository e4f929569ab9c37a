#include "cli/ic_nbctl/program.h"

namespace weft::apps {

int ovn_ic_nbctl(int argc, char** argv) {
    return cli::ic_nbctl::run(argc, argv);
}

}  // namespace weft::apps
