/* The instructions, in one place: the engine's table, the verifier's rules and, through the _engine module, the compiler's
 * numbers. a, b, c are frame cells unless said otherwise; x is a small number.
 *
 *   OPCODE(name, form)      form says what the operands are, for the verifier:
 *     ABC   a = b op c
 *     AB    a = op b
 *     ABX   a = op b, x a small immediate
 *     T     jump: c is the target instruction, counted from the function's first
 *     BT    jump on cell b to target c
 *     RUN   a = op over the x cells b .. b+x-1
 *     CALL  a = builtin number c over the x cells b .. b+x-1
 *     OUT   cells a .. a+x-1 = unpack of b
 *     SLICE a = b[c : c+1 : c+2]; a part that is absent is None
 *     B     b only
 *     RAISE x is the exception (exceptions.h), b a cell with its text (a str), or the first constant-less 0xffff
 *     NEXT  a = next of iterator cell b, or jump to c when it is at its end
 *     READ  a, b, c are read: a[b] = c
 *     STAR  cells a .. a+x-1 = unpack of b, the c-th of them the list of what the others leave
 *     EXC   a = exception of class c with the arguments b .. b+x-1
 *     OBJ   a = object of class c with the fields b .. b+x-1
 *     ROUT  a = routine c over the cells b .. b+x-1
 *     BCT   jump to target c if comparing the cells a and b gives x (0 or 1)
 *     ISEXC a = whether b is an exception of class c or of one under it
 *     ISOBJ a = whether b is an object of class c
 *     ISANY a = whether b is of one of the kinds in c (run.h, enum kind)
 */
#ifndef ASSAY_CODE_OPCODES_H
#define ASSAY_CODE_OPCODES_H

/* clang-format off */
#define OPCODES(OPCODE) \
    OPCODE(MOVE, AB) \
    OPCODE(JMP, T) \
    OPCODE(JMP_TRUE, BT) \
    OPCODE(JMP_FALSE, BT) \
    OPCODE(JMP_NONE, BT) \
    OPCODE(JMP_NOT_NONE, BT) \
    OPCODE(ADD, ABC) OPCODE(SUB, ABC) OPCODE(MUL, ABC) OPCODE(DIV, ABC) OPCODE(FLOORDIV, ABC) OPCODE(MOD, ABC) OPCODE(POW, ABC) \
    OPCODE(BIT_AND, ABC) OPCODE(BIT_OR, ABC) OPCODE(BIT_XOR, ABC) OPCODE(SHL, ABC) OPCODE(SHR, ABC) \
    OPCODE(NEG, AB) OPCODE(POS, AB) OPCODE(INVERT, AB) OPCODE(NOT, AB) OPCODE(TRUTH, AB) \
    OPCODE(EQ, ABC) OPCODE(NE, ABC) OPCODE(LT, ABC) OPCODE(LE, ABC) OPCODE(GT, ABC) OPCODE(GE, ABC) \
    OPCODE(JMP_EQ, BCT) OPCODE(JMP_NE, BCT) OPCODE(JMP_LT, BCT) OPCODE(JMP_LE, BCT) OPCODE(JMP_GT, BCT) OPCODE(JMP_GE, BCT) \
    OPCODE(JMP_IN, BCT) \
    OPCODE(IS, ABC) OPCODE(IS_NOT, ABC) OPCODE(IN, ABC) OPCODE(NOT_IN, ABC) \
    OPCODE(INDEX, ABC) OPCODE(SLICE, SLICE) OPCODE(UNPACK, OUT) \
    OPCODE(TUPLE, RUN) OPCODE(LIST, RUN) \
    OPCODE(FORMAT, ABX)   /* x: 0 format(b, ""), 1 str(b), 2 repr(b), 3 ascii(b) */ \
    OPCODE(CONCAT, RUN)   /* of strings */ \
    OPCODE(CALL, CALL) OPCODE(LEN, AB) \
    OPCODE(RET, B) \
    OPCODE(RAISE, RAISE) \
    OPCODE(ITER, AB) OPCODE(NEXT, NEXT) OPCODE(AGAIN, NEXT) /* jumps while there is a next */ OPCODE(APPEND, READ) /* a.append(b) */ \
    OPCODE(SET, RUN) OPCODE(DICT, RUN) /* of a dict: key, value, key, ... */ \
    OPCODE(STORE, READ) OPCODE(DELETE, READ) /* del a[b] */ OPCODE(UNPACK_STAR, STAR) \
    OPCODE(EXCEPTION, EXC) OPCODE(THROW, B) OPCODE(IS_EXCEPTION, ISEXC) \
    OPCODE(OBJECT, OBJ) OPCODE(IS_OBJECT, ISOBJ) OPCODE(IS_KIND, ISANY) \
    OPCODE(GET_ATTRIBUTE, ABC) OPCODE(SET_ATTRIBUTE, READ) /* c, b: the name. b.c; a.b = c */ \
    OPCODE(ROUTINE, ROUT) OPCODE(GENERATOR, ROUT) OPCODE(YIELD, B)
/* clang-format on */

#endif
