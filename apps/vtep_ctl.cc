#include "cli/vtepctl/program.h"

namespace weft::apps {

int vtep_ctl(int argc, char** argv) {
    return cli::vtepctl::run(argc, argv);
}

}  // namespace weft::apps
