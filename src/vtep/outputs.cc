#include "vtep/outputs.h"

#include "incremental/definitions.h"

namespace weft::vtep {

Outputs::Outputs() = default;
Outputs::~Outputs() = default;

}  // namespace weft::vtep
