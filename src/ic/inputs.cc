#include "ic/inputs.h"

#include "incremental/definitions.h"

namespace weft::ic {

Inputs::Inputs(incremental::Engine& e) : engine(e) {}
Inputs::~Inputs() = default;

}  // namespace weft::ic
