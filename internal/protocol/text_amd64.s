//go:build !purego

#include "textflag.h"

// What is looked up where stands in text_amd64.go, at the type tables.
//
// Blocks of 64 bytes are checked in two vectors each; the bytes one, two and three
// places before are read from memory, shifted by as many, so that a character that two
// vectors or blocks share is no special case. Only the first vector has nothing before
// it, for which zeros stand: they end whatever was before, as ASCII does. The rest at
// the end is checked by a vector or two that end with the data and overlap the block
// before, which changes nothing: whether a byte is wrong depends on the three before it.
//
// A block of ASCII is wrong only if the last character before it is not complete.

// JUDGE collects in Y8 what is wrong in the vector AT, behind the bytes one place
// before in Y1, two in Y2 and three in Y3.
#define JUDGE(AT) \
	VPSRLW   $4, Y1, Y4    \
	VPAND    Y12, Y4, Y4   \
	VPAND    Y12, Y1, Y5   \
	VPSRLW   $4, AT, Y6    \
	VPAND    Y12, Y6, Y6   \
	VPSHUFB  Y4, Y9, Y4    \
	VPSHUFB  Y5, Y10, Y5   \
	VPSHUFB  Y6, Y11, Y6   \
	VPSUBUSB Y14, Y2, Y2   \
	VPSUBUSB Y15, Y3, Y3   \
	VPAND    Y4, Y5, Y4    \
	VPOR     Y2, Y3, Y2    \
	VPAND    Y6, Y4, Y4    \ // the rules that are broken, two bytes that continue among them
	VPAND    Y13, Y2, Y2   \ // which have to, where this has the high bit
	VPXOR    Y2, Y4, Y4    \
	VPOR     Y4, Y8, Y8

// BEFORE loads what stands before the vector at R+OFFSET.
#define BEFORE(R, OFFSET) \
	VMOVDQU (OFFSET-1)(R), Y1 \
	VMOVDQU (OFFSET-2)(R), Y2 \
	VMOVDQU (OFFSET-3)(R), Y3

// func validAVX2(p *byte, n int, t *tables) int
TEXT ·validAVX2(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), BX
	MOVQ t+16(FP), DX
	LEAQ (SI)(BX*1), R9 // the end
	LEAQ -64(R9), R8    // where the last block may begin
	MOVQ SI, DI         // the block
	VPXOR   Y8, Y8, Y8
	VMOVDQU (DX), Y9
	VMOVDQU 32(DX), Y10
	VMOVDQU 64(DX), Y11
	VMOVDQU ends<>(SB), Y7
	VPBROADCASTD halves<>(SB), Y12
	VPBROADCASTD continues<>(SB), Y13
	VPBROADCASTD three<>(SB), Y14
	VPBROADCASTD four<>(SB), Y15

	VMOVDQU   (DI), Y0
	VPOR      32(DI), Y0, Y1
	VPMOVMSKB Y1, AX
	TESTL     AX, AX
	JZ        nextASCII
	VPERM2I128 $0x08, Y0, Y0, Y3 // zeros, and the first half of Y0
	VPALIGNR   $15, Y3, Y0, Y1
	VPALIGNR   $14, Y3, Y0, Y2
	VPALIGNR   $13, Y3, Y0, Y3
	JMP        check

block:
	VMOVDQU   (DI), Y0
	VPOR      32(DI), Y0, Y1
	VPMOVMSKB Y1, AX
	TESTL     AX, AX
	JZ        firstASCII

mixed:
	BEFORE(DI, 0)

check:
	JUDGE(Y0)
	VMOVDQU 32(DI), Y0
	BEFORE(DI, 32)
	JUDGE(Y0)
	VPTEST Y8, Y8
	JNZ    done
	ADDQ   $64, DI
	CMPQ   DI, R8
	JLS    block
	JMP    rest

firstASCII:
	VMOVDQU  -32(DI), Y1
	VPSUBUSB Y7, Y1, Y1
	VPTEST   Y1, Y1
	JNZ      done

nextASCII:
	ADDQ $64, DI
	CMPQ DI, R8
	JHI  rest
	VMOVDQU   (DI), Y0
	VPOR      32(DI), Y0, Y1
	VPMOVMSKB Y1, AX
	TESTL     AX, AX
	JZ        nextASCII
	JMP       mixed

rest:
	MOVQ R9, CX
	SUBQ DI, CX // 0 to 63
	JZ   done
	CMPQ CX, $32
	JHS  restOfTwo

	// The vector begins before the rest, so that ASCII is all right.
	VMOVDQU   -32(R9), Y0
	VPMOVMSKB Y0, AX
	TESTL     AX, AX
	JZ        all
	BEFORE(R9, -32)
	JUDGE(Y0)
	VPTEST Y8, Y8
	JZ     all
	JMP    done

restOfTwo:
	VMOVDQU   (R8), Y0
	VPOR      32(R8), Y0, Y1
	VPMOVMSKB Y1, AX
	TESTL     AX, AX
	JZ        all
	BEFORE(R8, 0)
	JUDGE(Y0)
	VMOVDQU 32(R8), Y0
	BEFORE(R8, 32)
	JUDGE(Y0)
	VPTEST Y8, Y8
	JNZ    done

all:
	MOVQ R9, DI

done:
	SUBQ SI, DI
	MOVQ DI, ret+24(FP)
	VZEROUPPER
	RET

// Four times the same byte each.
DATA halves<>+0(SB)/4, $0x0F0F0F0F
GLOBL halves<>(SB), RODATA|NOPTR, $4
DATA continues<>+0(SB)/4, $0x80808080
GLOBL continues<>(SB), RODATA|NOPTR, $4

// What is to be taken from the first byte of three, E0 and above, and from that of
// four, F0 and above, so that 80 or more is left, and less from those below.
DATA three<>+0(SB)/4, $0x60606060
GLOBL three<>(SB), RODATA|NOPTR, $4
DATA four<>+0(SB)/4, $0x70707070
GLOBL four<>(SB), RODATA|NOPTR, $4

// ends has the greatest byte that may stand in each place at the end of a vector when
// ASCII follows: none that begins two bytes in the last place, three in the second to
// last, four in the third to last.
DATA ends<>+0(SB)/8, $0xFFFFFFFFFFFFFFFF
DATA ends<>+8(SB)/8, $0xFFFFFFFFFFFFFFFF
DATA ends<>+16(SB)/8, $0xFFFFFFFFFFFFFFFF
DATA ends<>+24(SB)/8, $0xBFDFEFFFFFFFFFFF
GLOBL ends<>(SB), RODATA|NOPTR, $32
