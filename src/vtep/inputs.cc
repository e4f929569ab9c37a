#include "vtep/inputs.h"

#include "incremental/definitions.h"

namespace weft::vtep {

Inputs::Inputs(incremental::Engine& e) : engine(e) {}
Inputs::~Inputs() = default;

}  // namespace weft::vtep
